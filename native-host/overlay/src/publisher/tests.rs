use std::sync::Mutex;

use async_trait::async_trait;
use tokio::time::{Instant, sleep};

use super::*;
use crate::fragment::FragmentId;
use crate::key::Key;
use crate::record::Ticket;
use crate::testing::{Authority, MINUTE, NOW, aor, device, person};

/// An overlay that remembers what was put and answers as it is told to.
#[derive(Debug, Default)]
struct Memory {
    puts: Mutex<Vec<Record>>,
    keepers: Mutex<Vec<PeerId>>,
    /// The sequence of a newer record that it claims to hold.
    held: Mutex<Option<Millis>>,
}

#[async_trait]
impl LocationService for Memory {
    async fn is_reachable(&self) -> bool {
        true
    }

    async fn put(&self, record: &Record) -> Result<PutReport, LocationError> {
        let held = self.held.lock().unwrap().filter(|held| *held >= record.sequence());
        self.puts.lock().unwrap().push(record.clone());
        let keepers = self.keepers.lock().unwrap().clone();
        sleep(Duration::from_millis(5)).await;
        Ok(match held {
            Some(held) => PutReport {
                refused: keepers
                    .into_iter()
                    .map(|peer| (peer, Refusal::NotNewer { held }))
                    .collect(),
                ..PutReport::default()
            },
            None => PutReport {
                stored: keepers,
                ..PutReport::default()
            },
        })
    }

    async fn read(&self, _: &Ticket) -> Result<Vec<Record>, LocationError> {
        Ok(Vec::new())
    }

    async fn get(&self, _: &Key) -> Result<Vec<Record>, LocationError> {
        Ok(Vec::new())
    }

    async fn watch(&self, _: &Key, _: Option<&Ticket>) -> Result<bool, LocationError> {
        Ok(false)
    }

    async fn remove(&self, _: &Key, _: &[[u8; 32]]) -> Result<usize, LocationError> {
        Ok(0)
    }

    async fn put_fragment(&self, _: &Record, _: &[u8]) -> Result<usize, LocationError> {
        Ok(0)
    }

    async fn get_fragment(&self, _: &FragmentId) -> Result<Option<Vec<u8>>, LocationError> {
        Ok(None)
    }

    async fn remove_fragment(&self, _: &FragmentId, _: &[u8; 32]) -> Result<(), LocationError> {
        Ok(())
    }
}

struct World {
    memory: Arc<Memory>,
    state: watch::Sender<NodeState>,
    own: OwnRecords,
    publisher: PublisherHandle,
}

/// In virtual time: the wall clock goes with tokio's.
fn world() -> World {
    let memory = Arc::new(Memory::default());
    memory.keepers.lock().unwrap().push(device());
    let listen = vec!["/ip4/192.0.2.1/tcp/4001".parse().unwrap()];
    let (state, watched) = watch::channel(NodeState {
        listen,
        peers: 1,
        joined: 1,
        on_line: true,
        knows_the_overlay: true,
    });
    let begin = Instant::now();
    let clock = Clock::new(move || NOW + Millis::try_from(begin.elapsed().as_millis()).unwrap());
    let own = OwnRecords::default();
    let location: Arc<dyn LocationService> = memory.clone();
    let publisher = start(device(), location, watched, clock, own.clone());
    World {
        memory,
        state,
        own,
        publisher,
    }
}

impl World {
    /// The contact records that were put since the last call.
    fn contacts(&self) -> Vec<Record> {
        let puts = std::mem::take(&mut *self.memory.puts.lock().unwrap());
        puts.into_iter().filter(|record| record.contacts().is_some()).collect()
    }

    fn change(&self, change: impl FnOnce(&mut NodeState)) {
        self.state.send_modify(change);
    }
}

async fn pass(time: Duration) {
    sleep(time).await;
}

#[tokio::test(start_paused = true)]
async fn records_are_put_and_refreshed_before_they_expire() {
    let world = world();
    let bob = person("bob@example.net");
    let report = world.publisher.publish(bob.clone()).await.unwrap();
    assert_eq!(report.stored, *world.memory.keepers.lock().unwrap());
    let kinds: Vec<bool> = world
        .memory
        .puts
        .lock()
        .unwrap()
        .iter()
        .map(|put| put.contacts().is_some())
        .collect();
    assert_eq!(kinds, [true, false]);
    let mut last = world.contacts().remove(0);
    assert_eq!(world.own.get(&aor("bob@example.net")), Some(last.clone()));
    for _ in 0..5 {
        pass(Duration::from_secs(20 * 60 + 5)).await;
        let refreshed = world.contacts();
        assert_eq!(refreshed.len(), 1);
        assert!(refreshed[0].sequence() > last.sequence());
        assert!(refreshed[0].sequence() < last.expires());
        last = refreshed[0].clone();
    }
}

#[tokio::test(start_paused = true)]
async fn new_addresses_and_new_nodes_are_told() {
    let world = world();
    world.publisher.publish(person("bob@example.net")).await.unwrap();
    world.contacts();
    pass(Duration::from_secs(60)).await;
    assert!(world.contacts().is_empty());

    world.change(|state| state.listen = vec!["/ip4/198.51.100.7/tcp/4001".parse().unwrap()]);
    pass(Duration::from_millis(400)).await;
    let moved = world.contacts();
    assert_eq!(moved.len(), 1);
    assert_eq!(moved[0].contacts().unwrap().addresses, world.state.borrow().listen);

    for _ in 0..3 {
        pass(Duration::from_millis(100)).await;
        world.change(|state| state.joined += 1);
    }
    pass(Duration::from_secs(5)).await;
    assert_eq!(world.contacts().len(), 1);
    world.change(|state| state.peers = 5);
    pass(Duration::from_secs(60)).await;
    assert!(world.contacts().is_empty());
}

#[tokio::test(start_paused = true)]
async fn who_was_alone_is_told_of_at_once() {
    let world = world();
    let keepers = std::mem::take(&mut *world.memory.keepers.lock().unwrap());
    world.change(|state| state.peers = 0);
    world.publisher.publish(person("bob@example.net")).await.unwrap();
    assert_eq!(world.contacts().len(), 1);
    pass(Duration::from_secs(60)).await;
    assert!(world.contacts().is_empty());
    *world.memory.keepers.lock().unwrap() = keepers;
    world.change(|state| {
        state.peers = 1;
        state.joined += 1;
    });
    pass(Duration::from_millis(100)).await;
    assert_eq!(world.contacts().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_withdrawal_says_off_line_and_nothing_follows() {
    let world = world();
    let (bob, second) = (person("bob@example.net"), person("b.smith@example.net"));
    for credential in [&bob, &second] {
        world.publisher.publish(credential.clone()).await.unwrap();
    }
    let before = world.contacts();
    world.publisher.withdraw(bob.address().clone()).await;
    let [gone] = &world.contacts()[..] else { panic!() };
    assert_eq!(gone.key().address(), bob.address());
    assert!(gone.contacts().unwrap().addresses.is_empty());
    assert!(gone.sequence() > before[0].sequence() && gone.expires() >= before[0].expires());
    assert_eq!(world.own.get(bob.address()), None);
    assert!(world.own.get(second.address()).is_some());
    world.publisher.withdraw_all().await;
    assert_eq!(world.contacts().len(), 1);
    world.change(|state| state.joined += 1);
    pass(Duration::from_secs(3600)).await;
    assert!(world.contacts().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_newer_credential_takes_the_place_of_the_older() {
    let world = world();
    let (old, new) = (person("bob@example.net"), person("bob@example.net"));
    world.publisher.publish(old).await.unwrap();
    world.publisher.publish(new.clone()).await.unwrap();
    let puts = world.contacts();
    assert_eq!(puts.len(), 2);
    assert!(puts[1].sequence() > puts[0].sequence());
    assert_eq!(world.own.get(new.address()).unwrap().signer(), new.certificate());
}

#[tokio::test(start_paused = true)]
async fn an_expired_certificate_is_an_error_and_is_shown_no_longer() {
    let world = world();
    let alice = Authority::new("Example CA").issue("alice@example.net");
    world.publisher.publish(alice.clone()).await.unwrap();
    assert!(world.own.get(alice.address()).is_some());
    pass(Duration::from_secs(31 * 24 * 60 * 60)).await;
    assert_eq!(world.own.get(alice.address()), None);
    let error = world.publisher.publish(alice).await.unwrap_err();
    assert!(matches!(&error, PublishError::Record(reason) if matches!(**reason, RecordError::CertificateExpired)));
}

#[tokio::test(start_paused = true)]
async fn newer_records_of_its_own_are_overtaken() {
    let world = world();
    *world.memory.held.lock().unwrap() = Some(NOW + 5 * MINUTE);
    world.publisher.publish(person("bob@example.net")).await.unwrap();
    pass(Duration::from_millis(100)).await;
    let puts = world.contacts();
    assert_eq!(puts.len(), 2);
    assert_eq!(puts[1].sequence(), NOW + 5 * MINUTE + 1);

    // Who claims ever newer ones is not followed for ever.
    *world.memory.held.lock().unwrap() = Some(NOW + 5 * MINUTE + 1);
    world.change(|state| state.joined += 1);
    pass(Duration::from_secs(8)).await;
    assert_eq!(world.contacts().len(), 1);

    // A sequence that nodes would refuse is not followed: whoever claims it lies.
    *world.memory.held.lock().unwrap() = Some(NOW + 60 * MINUTE);
    pass(Duration::from_secs(120)).await;
    world.change(|state| state.joined += 1);
    pass(Duration::from_secs(8)).await;
    assert_eq!(world.contacts().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn it_ends_with_its_handle() {
    let World {
        publisher,
        state,
        memory,
        ..
    } = world();
    publisher.publish(person("bob@example.net")).await.unwrap();
    drop(publisher);
    pass(Duration::from_secs(1)).await;
    assert!(state.is_closed());
    assert_eq!(Arc::strong_count(&memory), 1);
}
