//! What one whole message must look like before the stack may see it.
//!
//! The order of the checks decides which refusal a message with several faults gets: form first (header lines,
//! start line, version, mandatory fields), then what RFC 3261 section 8.2 prescribes for a server, in its
//! order: method (8.2.1), Request-URI (8.2.2.1), Require (8.2.2.3), content (8.2.3).

use super::address::{self, Address};
use super::grammar::{self, number, trim};
use super::head::Head;
use super::refusal::{Field, Refusal};
use super::uri::{self, Uri};
use super::{Passed, Policy, RequestFacts, ResponseFacts};

/// The methods that RFCs define (IANA's registry). One of these that is not served gets 405, any other 501:
/// RFC 3261 section 8.2.1 asks for 405 where the method is recognised, section 21.5.2 for 501 where it is not.
const KNOWN_METHODS: [&str; 14] = [
    "ACK",
    "BYE",
    "CANCEL",
    "INFO",
    "INVITE",
    "MESSAGE",
    "NOTIFY",
    "OPTIONS",
    "PRACK",
    "PUBLISH",
    "REFER",
    "REGISTER",
    "SUBSCRIBE",
    "UPDATE",
];

/// The largest sequence number (RFC 3261 section 8.1.1.5: less than 2^31).
const MAX_CSEQ: u64 = (1 << 31) - 1;

pub(super) fn inspect(policy: &Policy, head: &Head<'_>, body: usize) -> Result<Passed, Refusal> {
    if head.is_response() {
        response(head).map(Passed::Response)
    } else {
        request(policy, head, body).map(Passed::Request)
    }
}

fn request(policy: &Policy, head: &Head<'_>, body: usize) -> Result<RequestFacts, Refusal> {
    let (method, request_uri) = request_line(head.start)?;
    let from = address(head, Field::From)?;
    let to = address(head, Field::To)?;
    let (call_id, cseq, cseq_method) = identifiers(head)?;
    number(head.one(Field::MaxForwards)?, 255).ok_or(Refusal::Malformed(Field::MaxForwards))?;
    // Max-Forwards 0 forbids passing the request on, not answering it (RFC 3261 section 8.1.1.6). It ends here.
    vias(head)?;
    let from_tag = from.tag().ok_or(Refusal::NoFromTag)?;
    if cseq_method != method {
        return Err(Refusal::CSeqMethod);
    }
    if !head.all(Field::Contact).all(address::is_contact) {
        return Err(Refusal::Malformed(Field::Contact));
    }
    let is_sip = match uri::parse(request_uri).ok_or(Refusal::RequestUri)? {
        Uri::Sip(uri) if uri.has_headers => return Err(Refusal::RequestUri),
        Uri::Sip(_) => true,
        Uri::Other => false,
    };
    if !policy.methods.iter().any(|served| served == method) {
        return Err(match method {
            "ACK" | "CANCEL" => Refusal::NoTransaction,
            method if KNOWN_METHODS.contains(&method) => Refusal::MethodNotAllowed,
            _ => Refusal::UnknownMethod,
        });
    }
    if !is_sip {
        return Err(Refusal::UriScheme);
    }
    require(policy, head, method)?;
    let content_type = content(policy, head, body)?;
    Ok(RequestFacts {
        method: method.to_owned(),
        uri: request_uri.to_owned(),
        from: from.uri.to_owned(),
        from_tag: from_tag.to_owned(),
        to: to.uri.to_owned(),
        to_tag: to.tag().map(str::to_owned),
        call_id: call_id.to_owned(),
        cseq,
        content_type,
        body,
    })
}

/// `Method SP Request-URI SP SIP-Version`
fn request_line(line: &str) -> Result<(&str, &str), Refusal> {
    let mut words = line.split(' ');
    let (Some(method), Some(uri), Some(version), None) = (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(Refusal::StartLine);
    };
    if !grammar::is_token(method) || uri.is_empty() {
        return Err(Refusal::StartLine);
    }
    version_is_ours(version)?;
    Ok((method, uri))
}

/// `SIP-Version`: well-formed, and the one we speak.
fn version_is_ours(version: &str) -> Result<(), Refusal> {
    let number = version
        .get(..4)
        .filter(|name| name.eq_ignore_ascii_case("SIP/"))
        .map(|_| &version[4..]);
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match number.and_then(|number| number.split_once('.')) {
        Some(("2", "0")) => Ok(()),
        Some((major, minor)) if is_number(major) && is_number(minor) => Err(Refusal::Version),
        _ => Err(Refusal::StartLine),
    }
}

/// `SIP-Version SP Status-Code SP Reason-Phrase`
fn status_line(line: &str) -> Result<(u16, &str), Refusal> {
    let mut words = line.splitn(3, ' ');
    let (Some(version), Some(status), Some(reason)) = (words.next(), words.next(), words.next()) else {
        return Err(Refusal::StartLine);
    };
    version_is_ours(version)?;
    let code = number(status, 699)
        .filter(|code| status.len() == 3 && *code >= 100)
        .ok_or(Refusal::StartLine)?;
    Ok((u16::try_from(code).map_err(|_| Refusal::StartLine)?, reason))
}

fn response(head: &Head<'_>) -> Result<ResponseFacts, Refusal> {
    let (status, reason) = status_line(head.start)?;
    let from = address(head, Field::From)?;
    address(head, Field::To)?;
    let (call_id, cseq, method) = identifiers(head)?;
    if vias(head)? > 1 {
        return Err(Refusal::SeveralVias);
    }
    from.tag().ok_or(Refusal::NoFromTag)?;
    Ok(ResponseFacts {
        status,
        reason: trim(reason).to_owned(),
        call_id: call_id.to_owned(),
        cseq,
        method: method.to_owned(),
    })
}

/// From or To; a tag is a token.
fn address<'a>(head: &'a Head<'_>, field: Field) -> Result<Address<'a>, Refusal> {
    let address = Address::parse(head.one(field)?).ok_or(Refusal::Malformed(field))?;
    let tag_is_good = grammar::find(&address.params, "tag").is_none_or(|tag| tag.is_some_and(grammar::is_token));
    if tag_is_good {
        Ok(address)
    } else {
        Err(Refusal::Malformed(field))
    }
}

/// Call-ID, sequence number, method of the sequence number.
fn identifiers<'a>(head: &'a Head<'_>) -> Result<(&'a str, u32, &'a str), Refusal> {
    let call_id = head.one(Field::CallId)?;
    let (local, host) = call_id.split_once('@').unwrap_or((call_id, "-"));
    if !grammar::is_word(local) || !grammar::is_word(host) {
        return Err(Refusal::Malformed(Field::CallId));
    }
    let malformed = Refusal::Malformed(Field::CSeq);
    let (sequence, method) = head
        .one(Field::CSeq)?
        .split_once([' ', '\t'])
        .ok_or(malformed.clone())?;
    let sequence = number(sequence, MAX_CSEQ).and_then(|sequence| u32::try_from(sequence).ok());
    match (sequence, trim(method)) {
        (Some(sequence), method) if grammar::is_token(method) => Ok((call_id, sequence, method)),
        _ => Err(malformed),
    }
}

/// How many Vias there are: all well-formed, the first with a branch as RFC 3261 section 8.1.1.7 wants it.
fn vias(head: &Head<'_>) -> Result<usize, Refusal> {
    const MAGIC: &str = "z9hG4bK";
    let (mut count, mut first) = (0, None);
    for line in head.all(Field::Via) {
        let values = address::vias(line).ok_or(Refusal::Malformed(Field::Via))?;
        count += values.len();
        first = first.or(values.into_iter().next());
    }
    let params = first.ok_or(Refusal::Missing(Field::Via))?;
    let branch = grammar::find(&params, "branch").flatten().unwrap_or_default();
    let magic = branch
        .get(..MAGIC.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(MAGIC));
    if magic && branch.len() > MAGIC.len() {
        Ok(count)
    } else {
        Err(Refusal::Branch)
    }
}

/// Require, which ACK and CANCEL may not be refused for (RFC 3261 section 8.2.2.3).
fn require(policy: &Policy, head: &Head<'_>, method: &str) -> Result<(), Refusal> {
    if matches!(method, "ACK" | "CANCEL") {
        return Ok(());
    }
    let mut unknown = Vec::new();
    for tag in head.all(Field::Require).flat_map(|line| line.split(',')).map(trim) {
        if !grammar::is_token(tag) {
            return Err(Refusal::Malformed(Field::Require));
        }
        if !policy.extensions.iter().any(|known| known.eq_ignore_ascii_case(tag)) {
            unknown.push(tag.to_owned());
        }
    }
    if unknown.is_empty() {
        Ok(())
    } else {
        Err(Refusal::Extension(unknown))
    }
}

/// The media type of the body with its parameters, as it stands; empty if there is neither type nor body.
fn content(policy: &Policy, head: &Head<'_>, body: usize) -> Result<String, Refusal> {
    let identity = |coding: &str| trim(coding).eq_ignore_ascii_case("identity");
    if !head
        .all(Field::ContentEncoding)
        .flat_map(|line| line.split(','))
        .all(identity)
    {
        return Err(Refusal::Encoding);
    }
    let Some(value) = head.at_most_one(Field::ContentType)? else {
        return if body == 0 {
            Ok(String::new())
        } else {
            Err(Refusal::Missing(Field::ContentType))
        };
    };
    let media = media_type(value).ok_or(Refusal::Malformed(Field::ContentType))?;
    if body > 0
        && !policy
            .accept
            .iter()
            .any(|accepted| accepted.eq_ignore_ascii_case(&media))
    {
        return Err(Refusal::MediaType);
    }
    Ok(value.to_owned())
}

/// `type/subtype` of a Content-Type value whose form is good.
pub(crate) fn media_type(value: &str) -> Option<String> {
    let (media, params) = value.split_at(value.find(';').unwrap_or(value.len()));
    let (kind, subtype) = media.split_once('/')?;
    let (kind, subtype) = (trim(kind), trim(subtype));
    let good = grammar::is_token(kind) && grammar::is_token(subtype) && grammar::params(params).is_some();
    good.then(|| format!("{kind}/{subtype}"))
}
