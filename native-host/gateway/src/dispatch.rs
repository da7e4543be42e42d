//! From a call to the backend, and back.

use std::net::IpAddr;

use crate::backend::Backend;
use crate::draft::{DocumentError, DraftAnswer, DraftCall, DraftMethod, RecordRequest, Service, write_records};
use crate::opendht::{OpenDhtAnswer, OpenDhtCall};
use crate::xmlrpc::{Fault, MethodCall, Value, fault};

/// Carries out a call. Both interfaces have a `get`: the draft's has one parameter, OpenDHT's has four.
pub(crate) async fn dispatch(backend: &dyn Backend, client: IpAddr, call: MethodCall) -> Result<Value, Fault> {
    let MethodCall { method, params } = call;
    match DraftMethod::from_name(&method) {
        Some(name) if name != DraftMethod::Get || params.len() == 1 => {
            Ok(draft(backend, client, DraftCall::read(name, params)?).await?.into())
        }
        _ => match OpenDhtCall::read(&method, params) {
            Some(call) => Ok(opendht(backend, client, call?).await?.into()),
            None => Err(Fault::new(fault::METHOD, "there is no such method")),
        },
    }
}

async fn opendht(backend: &dyn Backend, client: IpAddr, call: OpenDhtCall) -> Result<OpenDhtAnswer, Fault> {
    Ok(match call {
        OpenDhtCall::Put(put) => OpenDhtAnswer::Outcome(backend.opendht_put(client, put).await?),
        OpenDhtCall::Remove(remove) => OpenDhtAnswer::Outcome(backend.opendht_remove(client, remove).await?),
        OpenDhtCall::Get(get) => {
            let details = get.details;
            let page = backend.opendht_get(client, get).await?;
            if details {
                OpenDhtAnswer::Details(page)
            } else {
                OpenDhtAnswer::Values(page)
            }
        }
    })
}

async fn draft(backend: &dyn Backend, client: IpAddr, call: DraftCall) -> Result<DraftAnswer, Fault> {
    let DraftCall { method, document } = call;
    Ok(match method {
        DraftMethod::PutAuth => DraftAnswer::Done(backend.put_auth(client, document).await?),
        DraftMethod::RemoveAuth if is_signed(&document) => {
            DraftAnswer::Done(backend.remove_auth(client, document).await?)
        }
        DraftMethod::RemoveAuth => {
            let RecordRequest::Removal(key, secret) = RecordRequest::read(&document)? else {
                return Err(DocumentError::Parts("key, value").into());
            };
            DraftAnswer::Done(backend.remove_by_secret(client, key, secret).await?)
        }
        DraftMethod::GetAuth => {
            let RecordRequest::OfWriter(key, writer) = RecordRequest::read(&document)? else {
                return Err(DocumentError::Parts("key, KeyInfo").into());
            };
            records(&backend.get_auth(client, key, writer).await?)
        }
        DraftMethod::Get if is_signed(&document) => records(&backend.read(client, document).await?),
        DraftMethod::Get => {
            let RecordRequest::Key(key) = RecordRequest::read(&document)? else {
                return Err(DocumentError::Parts("key").into());
            };
            records(&backend.get(client, key).await?)
        }
        DraftMethod::PutImmut => {
            let RecordRequest::Immutable(value) = RecordRequest::read(&document)? else {
                return Err(DocumentError::Parts("value").into());
            };
            DraftAnswer::Done(backend.put_immut(client, value).await?)
        }
        DraftMethod::GetImmut => {
            let RecordRequest::Key(key) = RecordRequest::read(&document)? else {
                return Err(DocumentError::Parts("key").into());
            };
            let found = backend.get_immut(client, key).await?;
            let found = found.map(|value| RecordRequest::Immutable(value).write());
            records(found.as_slice())
        }
        DraftMethod::Join => service(&backend.join(client, Service::read(&document)?).await?),
        DraftMethod::Lookup => service(&backend.lookup(client, Service::read(&document)?).await?),
        DraftMethod::Leave => DraftAnswer::Done(backend.leave(client, Service::read(&document)?).await?),
    })
}

/// Whether a document claims to be signed; whether it is, is for the backend to see.
fn is_signed(document: &str) -> bool {
    document.contains("<SignatureValue")
}

fn records(records: &[String]) -> DraftAnswer {
    DraftAnswer::Document(write_records(records.iter().map(String::as_str)))
}

fn service(service: &Service) -> DraftAnswer {
    DraftAnswer::Document(service.write())
}
