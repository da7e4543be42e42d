//! The draft's watchers document (draft-singh-p2p-sip, `subscribe:presence:`): who wants to see whose presence.

use quick_xml::escape::escape;

/// Its media type.
pub const CONTENT_TYPE: &str = "application/xml";

/// The document that says: `watcher` wants to see `person`, both as `sip:` URIs. It has this one form, so that whoever
/// reads one compares it with what they expect.
pub fn write(watcher: &str, person: &str) -> String {
    let (watcher, person) = (escape(watcher), escape(person));
    format!(
        "<watchers xmlns=\"urn:ietf:params:xml:ns:p2p-sip\">\
         <watcher event=\"presence\" entity=\"{watcher}\">{person}</watcher></watchers>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_draft_s_document() {
        assert_eq!(
            write("sip:alice@example.org", "sip:b&b@example.net"),
            "<watchers xmlns=\"urn:ietf:params:xml:ns:p2p-sip\"><watcher event=\"presence\" \
             entity=\"sip:alice@example.org\">sip:b&amp;b@example.net</watcher></watchers>"
        );
    }
}
