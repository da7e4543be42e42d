//! The page for people.

use axum::http::header::{CONTENT_SECURITY_POLICY, X_CONTENT_TYPE_OPTIONS};
use axum::response::{Html, IntoResponse};

/// What this is, in words. `fingerprint` is of hexadecimal digits.
pub(super) fn page(name: &str, fingerprint: &str) -> impl IntoResponse + use<> {
    let name = escaped(name);
    let groups: Vec<String> = fingerprint
        .as_bytes()
        .chunks(4)
        .map(|group| String::from_utf8_lossy(group).into_owned())
        .collect();
    let html = format!(
        "<!DOCTYPE html>
<html lang=\"en\">
<meta charset=\"utf-8\">
<meta name=\"viewport\" content=\"width=device-width\">
<title>{name}</title>
<style>
body {{ font: 1.1rem/1.5 sans-serif; max-width: 40rem; margin: 2rem auto; padding: 0 1rem; color-scheme: light dark }}
code {{ font-size: 1rem; overflow-wrap: anywhere }}
</style>
<h1>{name}</h1>
<p>This authority gives certificates to people who chat and call with Corella in Thunderbird. A certificate says that a key
belongs to a mail address. It is given to whoever reads the mail of that address, and is needed once: chats and calls go from
person to person, not through here.</p>
<h2>You got a letter from here</h2>
<p>If you have just begun with Corella, there is nothing to do: it recognises the letter by itself. If you did not ask for a
certificate, do nothing either: without the letter nobody gets one for your address. If a letter says that you
<em>have</em> a certificate, and you did not ask for it, somebody else reads your mail: change its password, then write to
whoever runs this authority to have the certificate revoked.</p>
<h2>For the careful</h2>
<p>The root certificate has the fingerprint (SHA-256)<br><code>{}</code></p>
<p><a href=\"chain.pem\">Certificates of this authority</a>, <a href=\"revoked.crl\">revocation list</a></p>
</html>
",
        groups.join(" ")
    );
    let headers = [
        (CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, Html(html))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
