//! The methods of the bridge: parameters checked, and those that only read the store answered beside the actor.

use std::sync::Arc;

use corella_agent::Presence;
use corella_identity::{AddressOfRecord, Credential, Fingerprint};
use corella_transcripts as store;
use futures::{FutureExt, future::BoxFuture};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{Shared, roaming::Opening, views};
use crate::protocol::*;

/// Messages in a page when the caller names no number.
const PAGE: u32 = 50;
/// The most messages in a page.
const MOST_MESSAGES: u32 = 500;
/// The most hits in a page.
const MOST_HITS: u32 = 200;
/// Characters of the last message that the list of conversations brings.
const BEGINNING: usize = 200;
/// A page of messages stays below this many bytes of text, so that its frame stays below the limit however it is escaped.
const PAGE_BYTES: usize = MAX_FRAME / 8;

/// A call with its parameters checked.
#[derive(Debug)]
pub(crate) enum Call {
    Status,
    Identities,
    Enrol {
        address: AddressOfRecord,
        /// The authority is to revoke the certificates of all other keys.
        revoke_others: bool,
    },
    Revoke(AddressOfRecord),
    Import(AddressOfRecord, super::Issued),
    ImportFile {
        address: AddressOfRecord,
        /// In base64.
        file: Secret,
        passphrase: Secret,
    },
    /// A credential that was opened.
    Use(Credential),
    Letter(String),
    Authorities,
    Inspect(String),
    AddAuthority(String, Fingerprint),
    RemoveAuthority(Fingerprint),
    Invite {
        to: AddressOfRecord,
        from: Option<AddressOfRecord>,
    },
    ReadInvitation {
        from: AddressOfRecord,
        content: String,
        opened: bool,
    },
    AcceptInvitation(AddressOfRecord),
    DeclineInvitation(AddressOfRecord),
    Export {
        address: AddressOfRecord,
        passphrase: Secret,
    },
    Fetch {
        address: AddressOfRecord,
        secret: Secret,
    },
    OpenRoaming {
        own: Option<AddressOfRecord>,
        opening: Opening,
    },
    CloseRoaming(Option<AddressOfRecord>),
    Send {
        from: Option<AddressOfRecord>,
        to: AddressOfRecord,
        text: String,
    },
    List(ListParams),
    Conversations(ConversationsParams),
    Search(SearchParams),
    MarkRead {
        with: AddressOfRecord,
        up_to: String,
    },
    Retry {
        with: AddressOfRecord,
        id: String,
    },
    Buddies,
    Add(AddressOfRecord, Option<String>),
    Accept(AddressOfRecord, Option<Fingerprint>),
    Block(AddressOfRecord),
    Remove(AddressOfRecord),
    SetPresence(Presence),
    Settings,
    Set {
        name: String,
        value: String,
    },
}

impl Call {
    /// Reads a method and its parameters.
    pub(crate) fn parse(method: &str, params: Value) -> Result<Call, RpcError> {
        Ok(match method {
            "status" => read::<NoParams>(params).map(|_| Call::Status)?,
            "identity/list" => read::<NoParams>(params).map(|_| Call::Identities)?,
            "identity/enrol" => {
                let EnrolParams { address, revoke_others } = read(params)?;
                Call::Enrol {
                    address: views::address(&address)?,
                    revoke_others: revoke_others.unwrap_or(false),
                }
            }
            "identity/revoke" => Call::Revoke(views::address(&read::<AddressParams>(params)?.address)?),
            "identity/import" => {
                let ImportParams {
                    address,
                    certificate,
                    key,
                } = read(params)?;
                Call::Import(views::address(&address)?, super::Issued { certificate, key })
            }
            "identity/importFile" => {
                let ImportFileParams {
                    address,
                    file,
                    passphrase,
                } = read(params)?;
                Call::ImportFile {
                    address: views::address(&address)?,
                    file,
                    passphrase,
                }
            }
            "identity/export" => {
                let ExportParams { address, passphrase } = read(params)?;
                Call::Export {
                    address: views::address(&address)?,
                    passphrase,
                }
            }
            "identity/fetch" => {
                let FetchParams { address, secret } = read(params)?;
                Call::Fetch {
                    address: views::address(&address)?,
                    secret,
                }
            }
            "identity/letter" => Call::Letter(read::<LetterParams>(params)?.text),
            "authorities/list" => read::<NoParams>(params).map(|_| Call::Authorities)?,
            "authorities/inspect" => Call::Inspect(read::<AuthorityFileParams>(params)?.file),
            "authorities/add" => {
                let AuthorityAddParams { file, fingerprint } = read(params)?;
                Call::AddAuthority(file, views::fingerprint(&fingerprint)?)
            }
            "authorities/remove" => {
                Call::RemoveAuthority(views::fingerprint(&read::<AuthorityParams>(params)?.fingerprint)?)
            }
            "invitations/write" => {
                let InvitationWriteParams { to, from } = read(params)?;
                Call::Invite {
                    to: views::address(&to)?,
                    from: from.as_deref().map(views::address).transpose()?,
                }
            }
            "invitations/read" => {
                let InvitationReadParams { from, content, opened } = read(params)?;
                let from = views::address(&from)?;
                Call::ReadInvitation { from, content, opened }
            }
            "invitations/accept" => Call::AcceptInvitation(views::address(&read::<AddressParams>(params)?.address)?),
            "invitations/decline" => Call::DeclineInvitation(views::address(&read::<AddressParams>(params)?.address)?),
            "roaming/open" => {
                let RoamingOpenParams {
                    address,
                    secret,
                    create,
                    credential,
                } = read(params)?;
                Call::OpenRoaming {
                    own: address.as_deref().map(views::address).transpose()?,
                    opening: Opening {
                        secret,
                        create: create.unwrap_or(false),
                        with_credential: credential.unwrap_or(false),
                    },
                }
            }
            "roaming/close" => {
                let RoamingCloseParams { address } = read(params)?;
                Call::CloseRoaming(address.as_deref().map(views::address).transpose()?)
            }
            "messages/send" => {
                let SendParams { to, text, from } = read(params)?;
                let from = from.as_deref().map(views::address).transpose()?;
                Call::Send {
                    from,
                    to: views::address(&to)?,
                    text,
                }
            }
            "messages/list" => {
                let mut list: ListParams = read(params)?;
                list.with = views::address(&list.with)?.to_string();
                Call::List(list)
            }
            "messages/conversations" => {
                let mut page: ConversationsParams = read(params)?;
                page.after = page
                    .after
                    .map(|with| views::address(&with))
                    .transpose()?
                    .map(|a| a.to_string());
                Call::Conversations(page)
            }
            "messages/search" => Call::Search(read(params)?),
            "messages/markRead" => {
                let MarkReadParams { with, up_to } = read(params)?;
                Call::MarkRead {
                    with: views::address(&with)?,
                    up_to,
                }
            }
            "messages/retry" => {
                let RetryParams { with, id } = read(params)?;
                Call::Retry {
                    with: views::address(&with)?,
                    id,
                }
            }
            "buddies/list" => read::<NoParams>(params).map(|_| Call::Buddies)?,
            "buddies/add" => {
                let AddParams { address, name } = read(params)?;
                Call::Add(views::address(&address)?, name.map(|n| n.chars().take(200).collect()))
            }
            "buddies/accept" => {
                let AcceptParams { address, fingerprint } = read(params)?;
                let fingerprint = fingerprint.as_deref().map(views::fingerprint).transpose()?;
                Call::Accept(views::address(&address)?, fingerprint)
            }
            "buddies/block" => Call::Block(views::address(&read::<AddressParams>(params)?.address)?),
            "buddies/remove" => Call::Remove(views::address(&read::<AddressParams>(params)?.address)?),
            "presence/set" => {
                let params: PresenceParams = read(params)?;
                if params
                    .note
                    .as_ref()
                    .is_some_and(|n| n.chars().count() > Presence::NOTE_CHARS)
                {
                    return Err(RpcError::new(ErrorName::InvalidParams, "note: at most 200 characters"));
                }
                Call::SetPresence(views::presence(params))
            }
            "settings/list" => read::<NoParams>(params).map(|_| Call::Settings)?,
            "settings/set" => {
                let SettingParams { name, value } = read(params)?;
                if !crate::roaming::is_setting(&name, &value) {
                    let what = "name: 1 to 64 letters; value: at most 1,000 bytes";
                    return Err(RpcError::new(ErrorName::InvalidParams, what));
                }
                Call::Set { name, value }
            }
            _ => return Err(RpcError::new(ErrorName::UnknownMethod, "no such method")),
        })
    }
}

fn read<T: DeserializeOwned>(params: Value) -> Result<T, RpcError> {
    serde_json::from_value(params).map_err(|error| RpcError::new(ErrorName::InvalidParams, error.to_string()))
}

/// A result as JSON.
pub(crate) fn json(result: impl Serialize) -> Result<Value, RpcError> {
    serde_json::to_value(result).map_err(|error| RpcError::new(ErrorName::Internal, error.to_string()))
}

/// Answers calls that only read the store, on a thread for blocking work; `None` for all others.
pub(crate) fn reading(shared: &Arc<Shared>, call: &Call) -> Option<BoxFuture<'static, Result<Value, RpcError>>> {
    let transcripts = shared.transcripts.clone();
    let work: Box<dyn FnOnce() -> Result<Value, RpcError> + Send> = match call {
        Call::List(params) => {
            let (with, limit) = (params.with.clone(), params.limit.unwrap_or(PAGE));
            if limit == 0 || limit > MOST_MESSAGES {
                return Some(futures::future::ready(Err(limit_error(MOST_MESSAGES))).boxed());
            }
            let (before, around) = (params.before.clone(), params.around.clone());
            Box::new(move || {
                list(
                    &transcripts,
                    &with,
                    before.as_deref(),
                    around.as_deref(),
                    limit as usize,
                )
            })
        }
        Call::Conversations(params) => {
            let after = params.after.clone();
            Box::new(move || conversations(&transcripts, after.as_deref()))
        }
        Call::Search(params) => {
            let (query, cursor, limit) = (params.query.clone(), params.cursor.clone(), params.limit.unwrap_or(20));
            if limit == 0 || limit > MOST_HITS {
                return Some(futures::future::ready(Err(limit_error(MOST_HITS))).boxed());
            }
            Box::new(move || json(search(&transcripts, &query, limit as usize, cursor.as_deref())?))
        }
        _ => return None,
    };
    Some(
        async move {
            let broken = |_| Err(RpcError::new(ErrorName::Internal, "reading the store failed"));
            tokio::task::spawn_blocking(work).await.unwrap_or_else(broken)
        }
        .boxed(),
    )
}

fn limit_error(most: u32) -> RpcError {
    RpcError::new(ErrorName::InvalidParams, format!("limit: 1 to {most}"))
}

pub(crate) fn store_error(error: store::Error) -> RpcError {
    RpcError::new(ErrorName::Store, error.to_string())
}

fn list(
    transcripts: &store::Transcripts,
    with: &str,
    before: Option<&str>,
    around: Option<&str>,
    limit: usize,
) -> Result<Value, RpcError> {
    let place = match (before, around) {
        (Some(_), Some(_)) => return Err(RpcError::new(ErrorName::InvalidParams, "before or around, not both")),
        (Some(id), None) => store::Place::Before(id),
        (None, Some(id)) => store::Place::Around(id),
        (None, None) => store::Place::Latest,
    };
    let mut limit = limit;
    let page = loop {
        let page = transcripts.list(with, place, limit).map_err(|error| match error {
            store::Error::UnknownMessage => RpcError::new(ErrorName::UnknownMessage, "no such message here"),
            other => store_error(other),
        })?;
        let bytes: usize = page.messages.iter().map(|m| m.text.len() + 512).sum();
        if bytes <= PAGE_BYTES || limit == 1 {
            break page;
        }
        limit /= 2;
    };
    json(ListResult {
        messages: page.messages.into_iter().map(views::message).collect(),
        more: page.more,
    })
}

fn conversations(transcripts: &store::Transcripts, after: Option<&str>) -> Result<Value, RpcError> {
    let mut all = transcripts.conversations().map_err(store_error)?;
    // Of a conversation that is gone it is not known where it stood: then all are told again.
    let known = after.and_then(|after| all.iter().position(|c| c.with == after));
    let mut rest = all.split_off(known.map_or(0, |place| place + 1)).into_iter().peekable();
    let (mut conversations, mut bytes) = (Vec::new(), 0);
    while let Some(mut next) = rest.next_if(|_| bytes < PAGE_BYTES) {
        if let Some((end, _)) = next.last.text.char_indices().nth(BEGINNING) {
            next.last.text.truncate(end);
        }
        bytes += next.last.text.len() + 512;
        conversations.push(Conversation {
            with: next.with,
            last: views::message(next.last),
            unread: next.unread,
        });
    }
    let more = rest.peek().is_some();
    json(ConversationsResult { conversations, more })
}

/// Searches; also what `corella search` does without a running host.
pub(crate) fn search(
    transcripts: &store::Transcripts,
    query: &str,
    limit: usize,
    cursor: Option<&str>,
) -> Result<SearchResult, RpcError> {
    let found = transcripts
        .search(query, &crate::time::day_begins, limit, cursor)
        .map_err(|error| match error {
            store::Error::Query(error) => {
                RpcError::new(ErrorName::BadQuery, "the search cannot be read").with("detail", error.to_string())
            }
            other => store_error(other),
        })?;
    let hits = found.hits.into_iter().map(|hit| Hit {
        id: hit.message.id,
        with: hit.message.with,
        direction: views::direction(hit.message.direction),
        at: hit.message.at,
        snippet: hit.snippet,
        marks: hit.marks,
    });
    Ok(SearchResult {
        total: found.total,
        hits: hits.collect(),
        cursor: found.cursor,
    })
}
