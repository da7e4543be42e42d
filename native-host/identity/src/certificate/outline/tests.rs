use openssl::x509::X509;
use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::certificate::p256;
use crate::testing::{NOW, Template, aor, authority, rsa};
use crate::{Certificate, Credential};

/// What OpenSSL says of these bytes, and its key as a point, if it takes them for one certificate in DER with a P-256 key.
fn by_openssl(der: &[u8]) -> Option<(Outline, Vec<u8>)> {
    let x509 = X509::from_der(der).ok().filter(|x509| x509.to_der().unwrap() == der)?;
    let certificate = Certificate::from_x509(x509).ok()?;
    let point = certificate.0.p256.as_ref()?.public_key_to_der().ok()?.split_off(26);
    let x509 = certificate.x509()?;
    Some((Outline::of_x509(x509, der, certificate.key_kind()).unwrap(), point))
}

/// What the walk says, of keys that are keys.
fn by_walk(der: &[u8]) -> Option<(Outline, Vec<u8>)> {
    let (outline, point) = Outline::of_der(der)?;
    p256(point).ok()?;
    Some((outline, point.to_vec()))
}

/// Certificates of the shapes that there are.
fn samples() -> Vec<Vec<u8>> {
    let root = authority("Example CA");
    let own = Credential::self_signed(&aor("alice@example.net"), NOW).unwrap();
    let several = Template {
        mails: vec![
            "Alice@Example.net",
            "not an address",
            "a@b\u{fc}cher.example",
            "bob@example.net",
        ],
        permitted: Some("example.net"),
        // Beyond 2049, so in another type of time.
        not_after: NOW + 40 * 366 * crate::testing::DAY,
        ..Template::default()
    };
    let nobody = Template {
        mails: vec![],
        ..Template::default()
    };
    let of = |certificate: &Certificate| certificate.der().to_vec();
    vec![
        of(own.certificate()),
        of(&several.issue(&root, &crate::testing::p256())),
        of(&nobody.issue(&root, &crate::testing::p256())),
        of(&root.certificate),
    ]
}

#[test]
fn both_ways_say_the_same_of_usual_certificates() {
    for der in samples() {
        let walked = by_walk(&der);
        assert!(walked.is_some());
        assert_eq!(walked, by_openssl(&der));
    }
    let of_rsa = Template::default().issue(&authority("Example CA"), &rsa(2048));
    assert!(Outline::of_der(of_rsa.der()).is_none());
}

#[test]
fn a_key_that_is_no_point_of_the_curve_is_refused() {
    let der = &samples()[0];
    let (_, point) = Outline::of_der(der).unwrap();
    let at = der.windows(point.len()).position(|window| window == point).unwrap();
    let mut off = der.clone();
    off[at + 64] ^= 1;
    assert!(Outline::of_der(&off).is_some() && by_walk(&off).is_none());
    assert!(Certificate::from_der(&off).is_err());
}

#[test]
fn openssls_certificate_is_given_out_only_if_it_says_the_same() {
    let good = Certificate::from_der(&samples()[0]).unwrap();
    assert!(good.x509().is_some());
    let (mut outline, point) = Outline::of_der(good.der()).unwrap();
    outline.addresses = vec![aor("mallory@example.net")];
    let key = p256(point).unwrap();
    let public = openssl::pkey::PKey::from_ec_key(key.clone()).unwrap();
    let torn = Certificate::new(good.der().to_vec(), outline, public, Some(key), Default::default());
    assert!(torn.x509().is_none() && torn.issuer_name().is_empty());
    let signs_torn = Certificate::from_der(&samples()[0]).unwrap();
    assert!(!torn.is_signed_by(&signs_torn) && !torn.is_self_signed());
}

/// A value of DER that can be changed and written again with all lengths right.
#[derive(Clone, Debug)]
struct Node {
    tag: u8,
    content: Vec<u8>,
    children: Vec<Node>,
}

impl Node {
    fn read(bytes: &[u8]) -> Option<Vec<Self>> {
        let mut reader = Reader::new(bytes);
        let mut nodes = Vec::new();
        while !reader.is_empty() {
            let (tag, content) = reader.next()?;
            // The content of an extension is DER again.
            let is_nested = tag & 0x20 != 0 || tag == self::tag::OCTET_STRING;
            let children = is_nested.then(|| Self::read(content)).flatten().unwrap_or_default();
            let content = content.to_vec();
            nodes.push(Self { tag, content, children });
        }
        Some(nodes)
    }

    fn content(&self) -> Vec<u8> {
        if self.children.is_empty() {
            self.content.clone()
        } else {
            self.children.iter().flat_map(Self::write).collect()
        }
    }

    fn write(&self) -> Vec<u8> {
        let content = self.content();
        let length = u16::try_from(content.len()).unwrap().to_be_bytes();
        let header = match length {
            [0, low @ 0..0x80] => vec![self.tag, low],
            [0, low] => vec![self.tag, 0x81, low],
            [high, low] => vec![self.tag, 0x82, high, low],
        };
        [header, content].concat()
    }

    fn count(&self) -> usize {
        1 + self.children.iter().map(Self::count).sum::<usize>()
    }

    /// The n-th value in order of writing, and where it is in the list around it.
    fn change(nodes: &mut Vec<Self>, mut n: usize, change: &Change) -> bool {
        for place in 0..nodes.len() {
            if n == 0 {
                change.apply(nodes, place);
                return true;
            }
            n -= 1;
            let below = nodes[place].count() - 1;
            if n < below {
                return Self::change(&mut nodes[place].children, n, change);
            }
            n -= below;
        }
        false
    }
}

#[derive(Clone, Debug)]
enum Change {
    Remove,
    Repeat,
    Swap,
    Tag(u8),
    Content(Vec<u8>),
    Byte(Index, u8),
    Prepend(u8),
    Append(u8),
    Wrap(u8),
}

impl Change {
    fn any() -> impl Strategy<Value = Self> {
        let tag = prop::sample::select(vec![
            0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0c, 0x13, 0x14, 0x16, 0x17, 0x18, 0x1e, 0x24, 0x30, 0x31, 0x80, 0x81,
            0x82, 0x86, 0x87, 0xa0, 0xa1, 0xa3, 0xa4,
        ]);
        let stray = prop::sample::select(vec![0, 0x05, 0x30, 0x80, 0xff]);
        prop_oneof![
            Just(Self::Remove),
            Just(Self::Repeat),
            Just(Self::Swap),
            tag.clone().prop_map(Self::Tag),
            prop::collection::vec(any::<u8>(), 0..5).prop_map(Self::Content),
            "(19|20|)[0-9]{2}(0[0-9]|1[0-3])[0-3][0-9][0-2][0-9][0-6][0-9][0-6][0-9]Z"
                .prop_map(|time| Self::Content(time.into_bytes())),
            (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Self::Byte(at, byte)),
            stray.clone().prop_map(Self::Prepend),
            stray.prop_map(Self::Append),
            tag.prop_map(Self::Wrap),
        ]
    }

    fn apply(&self, nodes: &mut Vec<Node>, place: usize) {
        let node = nodes[place].clone();
        match self {
            Self::Remove => drop(nodes.remove(place)),
            Self::Repeat => nodes.insert(place, node),
            Self::Swap => nodes.rotate_left(1),
            Self::Tag(tag) => nodes[place].tag = *tag,
            Self::Content(content) => {
                nodes[place].children = Vec::new();
                nodes[place].content = content.clone();
            }
            Self::Byte(at, byte) if !node.content.is_empty() => {
                let at = at.index(node.content.len());
                nodes[place].content[at] = *byte;
                nodes[place].children = Vec::new();
            }
            Self::Byte(..) => {}
            Self::Prepend(byte) | Self::Append(byte) => {
                let mut content = node.content();
                let at = if matches!(self, Self::Append(_)) {
                    content.len()
                } else {
                    0
                };
                content.insert(at, *byte);
                nodes[place].children = Vec::new();
                nodes[place].content = content;
            }
            Self::Wrap(tag) => {
                nodes[place] = Node {
                    tag: *tag,
                    content: node.write(),
                    children: vec![node],
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Whatever is changed: either the walk says nothing, or both say the same.
    #[test]
    fn both_ways_say_the_same_of_bent_certificates(
        changes in prop::collection::vec((any::<Index>(), Change::any()), 1..3),
    ) {
        for der in samples_once() {
            let mut nodes = Node::read(der).unwrap();
            for (at, change) in &changes {
                let count = nodes.iter().map(Node::count).sum::<usize>();
                if count > 0 {
                    Node::change(&mut nodes, at.index(count), change);
                }
            }
            let bent: Vec<u8> = nodes.iter().flat_map(Node::write).collect();
            if let Some(walked) = by_walk(&bent) {
                prop_assert_eq!(Some(walked), by_openssl(&bent), "{}", hex::encode(&bent));
            }
        }
    }

    #[test]
    fn both_ways_say_the_same_of_damaged_certificates(
        at in any::<Index>(),
        bytes in prop::collection::vec(any::<u8>(), 0..3),
        cut in 0..3_usize,
    ) {
        for der in samples_once() {
            let at = at.index(der.len());
            let mut damaged = der.clone();
            damaged.splice(at..(at + cut).min(der.len()), bytes.iter().copied());
            if let Some(walked) = by_walk(&damaged) {
                prop_assert_eq!(Some(walked), by_openssl(&damaged), "{}", hex::encode(&damaged));
            }
        }
    }
}

fn samples_once() -> &'static [Vec<u8>] {
    static SAMPLES: std::sync::OnceLock<Vec<Vec<u8>>> = std::sync::OnceLock::new();
    SAMPLES.get_or_init(samples)
}
