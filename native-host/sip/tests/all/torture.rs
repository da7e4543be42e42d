//! The torture messages of RFC 4475, each with the verdict it gets and why.
//!
//! The published files are read from `$CORELLA_TEST_DATA/rfc4475-sipx` when that is set. The points they make are
//! covered by messages of our own in the guard's tests, whether it is set or not.

use corella_sip::guard::{Frame, Framer, Guard, Passed, Policy, Verdict};

fn policy(methods: &[&str], accept: &[&str]) -> Policy {
    Policy {
        methods: methods.iter().map(ToString::to_string).collect(),
        accept: accept.iter().map(ToString::to_string).collect(),
        extensions: Vec::new(),
        product: "Test/1".into(),
    }
}

/// What a stream with exactly these bytes comes to: the verdict on each message, `closed` if the link is closed
/// after it, `incomplete` if the stream ends within a message.
fn verdicts(guard: &Guard, bytes: &[u8]) -> String {
    let mut framer = Framer::new();
    framer.push(bytes);
    let mut said = Vec::new();
    while let Some(frame) = framer.next_frame() {
        let verdict = match frame {
            Frame::Message(message) => guard.judge(&message),
            Frame::Broken { head, refusal } => guard.refuse(&head, refusal),
            Frame::Ping | Frame::Pong => continue,
        };
        said.push(match &verdict {
            Verdict::Pass(Passed::Request(_)) => "pass".to_owned(),
            Verdict::Pass(Passed::Response(facts)) => format!("pass {}", facts.status),
            Verdict::Answer { refusal, .. } => format!("{} {refusal}", refusal.status()),
            Verdict::Drop(refusal) => format!("dropped: {refusal}"),
        });
        if verdict.closes() {
            said.push("closed".to_owned());
            return said.join(", ");
        }
    }
    if !framer.is_between_messages() {
        said.push("incomplete".to_owned());
    }
    said.join(", ")
}

/// File, verdict of a guard that serves every method and takes session descriptions, verdict of ours, reason. The
/// first shows what the guard thinks of the form; the second is what such a message meets here.
const FILES: [(&str, &str, &str, &str); 50] = [
    ("badaspec", "400 Malformed To", SAME, "spaces inside the angle brackets"),
    (
        "badbranch",
        "400 Via Branch Is Not RFC 3261's",
        SAME,
        "the magic cookie and nothing after it",
    ),
    (
        "baddate",
        "pass",
        "405 Method Not Allowed",
        "Date in EST: nothing here reads Date",
    ),
    (
        "baddn",
        "incomplete",
        SAME,
        "the file lacks its empty line; see below for the rest of it",
    ),
    ("badinv01", "400 Malformed Via", SAME, "separators without parameters"),
    ("badvers", "505 Version Not Supported", SAME, "SIP/7.0"),
    (
        "bcast",
        "dropped: Response With Several Vias",
        SAME,
        "somebody else's response, RFC 3261 section 8.1.3.3",
    ),
    (
        "bext01",
        "420 Bad Extension",
        SAME,
        "Require names what nobody supports",
    ),
    (
        "bigcode",
        "dropped: Malformed Start Line, closed",
        SAME,
        "a status of 4294967301; never answered, being a response",
    ),
    (
        "clerr",
        "incomplete",
        SAME,
        "Content-Length above what follows: a stream waits for more",
    ),
    (
        "cparam01",
        "pass",
        "405 Method Not Allowed",
        "an unknown Contact parameter",
    ),
    ("cparam02", "pass", "405 Method Not Allowed", "an unknown URI parameter"),
    (
        "dblreq",
        "pass, pass, dropped: Missing Content-Length, closed",
        "405 Method Not Allowed, 405 Method Not Allowed, dropped: Missing Content-Length, closed",
        "two requests are two requests on a stream; what is left after the second body is none",
    ),
    (
        "esc01",
        "pass",
        "405 Method Not Allowed",
        "escapes wherever they are allowed",
    ),
    (
        "esc02",
        "501 Not Implemented",
        SAME,
        "RE%47IST%45R is a method of its own: no escapes in methods",
    ),
    (
        "escnull",
        "pass",
        "405 Method Not Allowed",
        "escaped NULs are legal; no address of record matches them",
    ),
    ("escruri", "400 Malformed Request-URI", SAME, "headers in a Request-URI"),
    (
        "insuf",
        "400 Missing From",
        SAME,
        "no From, To, Call-ID, Max-Forwards; the answer copies what there is",
    ),
    (
        "intmeth",
        "501 Not Implemented",
        SAME,
        "every odd character that is legal, in a method nobody knows",
    ),
    (
        "inv2543",
        "400 Missing Content-Length, closed",
        SAME,
        "RFC 2543's; on a stream the length is mandatory",
    ),
    (
        "invut",
        "415 Unsupported Media Type",
        "405 Method Not Allowed",
        "an unknown body type",
    ),
    (
        "longreq",
        "400 Via Branch Is Not RFC 3261's",
        SAME,
        "long values; RFC 2543 branches are refused here",
    ),
    (
        "ltgtruri",
        "400 Via Branch Is Not RFC 3261's",
        SAME,
        "no branch; the Request-URI is judged below",
    ),
    ("lwsdisp", "pass", SAME, "no space before the angle bracket"),
    (
        "lwsruri",
        "400 Malformed Start Line, closed",
        SAME,
        "a space in the Request-URI",
    ),
    (
        "lwsstart",
        "400 Malformed Start Line, closed",
        SAME,
        "several spaces in the Request-Line",
    ),
    (
        "mcl01",
        "400 More Than One Content-Length, closed",
        SAME,
        "nobody knows where the next message begins",
    ),
    (
        "mismatch01",
        "400 CSeq Method Does Not Match",
        SAME,
        "OPTIONS with the CSeq of an INVITE",
    ),
    (
        "mismatch02",
        "400 CSeq Method Does Not Match",
        SAME,
        "an unknown method with the CSeq of an INVITE",
    ),
    (
        "mpart01",
        "pass",
        "415 Unsupported Media Type",
        "a binary multipart body",
    ),
    ("multi01", "400 More Than One From", SAME, "single fields repeated"),
    ("ncl", "400 Malformed Content-Length, closed", SAME, "a negative length"),
    ("noreason", "pass 100", SAME, "an empty reason phrase"),
    ("novelsc", "416 Unsupported URI Scheme", SAME, "soap.beep:"),
    ("quotbal", "400 Malformed To", SAME, "a quoted string that does not end"),
    (
        "regaut01",
        "pass",
        "405 Method Not Allowed",
        "an unknown Authorization scheme",
    ),
    (
        "regbadct",
        "400 Malformed Contact",
        SAME,
        "a question mark in a Contact without brackets",
    ),
    ("regescrt", "pass", "405 Method Not Allowed", "the same in brackets"),
    ("scalar02", "400 Malformed CSeq", SAME, "numbers out of range"),
    (
        "scalarlg",
        "dropped: Malformed CSeq",
        SAME,
        "numbers out of range, in a response",
    ),
    (
        "sdp01",
        "pass",
        "405 Method Not Allowed",
        "Accept names no common type: up to whoever answers with a body",
    ),
    ("semiuri", "pass", SAME, "semicolons in the user part"),
    (
        "test",
        "dropped: Malformed Header Line, closed",
        SAME,
        "in the archive, in no section of the RFC: no Via to answer to",
    ),
    ("transports", "pass", SAME, "unknown transports in Vias"),
    (
        "trws",
        "400 Malformed Start Line, closed",
        SAME,
        "spaces after the version",
    ),
    ("unkscm", "416 Unsupported URI Scheme", SAME, "nobodyKnowsThisScheme:"),
    (
        "unksm2",
        "pass",
        "405 Method Not Allowed",
        "unknown schemes in From and To: well-formed, and no address of a link",
    ),
    ("unreason", "pass 200", SAME, "a reason phrase beyond ASCII"),
    (
        "wsinv",
        "400 Via Branch Is Not RFC 3261's",
        SAME,
        "white space wherever it is allowed; the branch is RFC 2543's",
    ),
    (
        "zeromf",
        "pass",
        SAME,
        "Max-Forwards 0 forbids passing on, not answering",
    ),
];

/// The verdict of our guard is that of the other one.
const SAME: &str = "=";

/// Files whose point is hidden behind another: what changes, and the verdict then.
const CHANGED: [(&str, &str, &str, &str); 5] = [
    ("baddn", "l: 0\r\n", "l: 0\r\n\r\n", "400 Malformed From"),
    (
        "longreq",
        "sip33.example.com",
        "sip33.example.com;branch=z9hG4bKx",
        "pass",
    ),
    (
        "ltgtruri",
        "UDP 192.0.2.5",
        "UDP 192.0.2.5;branch=z9hG4bKx",
        "400 Malformed Request-URI",
    ),
    ("wsinv", "branch=390skdjuw", "branch=z9hG4bK390skdjuw", "pass"),
    (
        "inv2543",
        "Call-ID",
        "l: 1\r\nCall-ID",
        "400 Missing Max-Forwards, dropped: Not A SIP Message, closed",
    ),
];

#[test]
fn every_torture_message_gets_the_verdict_it_should() {
    let Some(folder) = std::env::var_os("CORELLA_TEST_DATA") else {
        println!("torture: CORELLA_TEST_DATA is not set; the guard's own messages were used, no published ones");
        return;
    };
    let folder = std::path::Path::new(&folder).join("rfc4475-sipx");
    let read = |name: &str| {
        std::fs::read(folder.join(name).with_extension("dat")).unwrap_or_else(|error| panic!("{name}: {error}"))
    };
    let methods = ["ACK", "BYE", "CANCEL", "INVITE", "MESSAGE", "OPTIONS", "REGISTER"];
    let every = Guard::new(policy(&methods, &["application/sdp", "multipart/mixed"]));
    let ours = Guard::new(policy(&["MESSAGE", "OPTIONS"], &["text/plain"]));
    for (name, expected, expected_of_ours, reason) in FILES {
        let bytes = read(name);
        assert_eq!(verdicts(&every, &bytes), expected, "{name}: {reason}");
        let expected = if expected_of_ours == SAME {
            expected
        } else {
            expected_of_ours
        };
        assert_eq!(verdicts(&ours, &bytes), expected, "{name}: {reason}");
    }
    for (name, old, new, expected) in CHANGED {
        let text = String::from_utf8(read(name)).unwrap();
        assert!(text.contains(old), "{name}");
        assert_eq!(
            verdicts(&every, text.replacen(old, new, 1).as_bytes()),
            expected,
            "{name} with {new:?}"
        );
    }
    let there = std::fs::read_dir(&folder).unwrap().filter_map(Result::ok);
    let count = there
        .filter(|entry| entry.path().extension().is_some_and(|end| end == "dat"))
        .count();
    assert_eq!(count, FILES.len(), "every file in the folder is judged");
    println!(
        "torture: {count} messages of RFC 4475 used, {} of them changed for a second look",
        CHANGED.len()
    );
}
