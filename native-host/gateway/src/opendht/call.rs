//! Calls, read from parameters.

use super::{
    APPLICATION_LIMIT, HASH_ALGORITHM, HASH_LIMIT, KEY_LIMIT, MAXVALS_LIMIT, PLACEMARK_LIMIT, SECRET_LIMIT, TTL_LIMIT,
    VALUE_LIMIT,
};
use crate::xmlrpc::{Fault, Value, fault};

/// A key. Bamboo took keys for numbers: one of fewer than 20 bytes is the same as with zeros before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(pub [u8; KEY_LIMIT]);

/// `put` and `put_removable`.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub struct Put {
    /// Where to store.
    pub key: Key,
    /// What to store: at most [`VALUE_LIMIT`] bytes.
    pub value: Vec<u8>,
    /// SHA-1 of the secret whose owner may remove it, at most [`HASH_LIMIT`] bytes; without it nobody may.
    pub secret_hash: Option<Vec<u8>>,
    /// For how many seconds, at most [`TTL_LIMIT`]. Nothing is left to store of 0 seconds: Bamboo answered such puts with
    /// success and kept nothing.
    pub ttl: u32,
}

/// `get` and `get_details`.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub struct Get {
    /// Where to look.
    pub key: Key,
    /// How many values at most, 1 to [`MAXVALS_LIMIT`].
    pub maxvals: u16,
    /// Empty, or what the answer before ended with: at most [`PLACEMARK_LIMIT`] bytes.
    pub placemark: Vec<u8>,
    /// Whether it is `get_details`.
    pub details: bool,
}

/// `rm`. That the secret's SHA-1 is the secret hash of the put is for whoever stores it to see.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub struct Remove {
    /// Where it is stored.
    pub key: Key,
    /// SHA-1 of the value, at most [`HASH_LIMIT`] bytes.
    pub value_hash: Vec<u8>,
    /// The secret, at most [`SECRET_LIMIT`] bytes.
    pub secret: Vec<u8>,
    /// How long the removal is remembered, in seconds, at most [`TTL_LIMIT`]: as long as the put would have lived, or
    /// longer.
    pub ttl: u32,
}

/// A call of one of the five methods, within all limits.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub enum OpenDhtCall {
    /// `put` and `put_removable`.
    Put(Put),
    /// `get` and `get_details`.
    Get(Get),
    /// `rm`.
    Remove(Remove),
}

impl OpenDhtCall {
    /// Reads a call. None if the method is none of the five.
    ///
    /// # Errors
    /// A fault of the code [`fault::PARAMS`] that names the parameter, in Bamboo's words where it had some.
    pub fn read(method: &str, params: Vec<Value>) -> Option<Result<Self, Fault>> {
        Some(match method {
            "put" => put(params),
            "put_removable" => put_removable(params),
            "get" => get(params, false),
            "get_details" => get(params, true),
            "rm" => remove(params),
            _ => return None,
        })
    }
}

fn put(params: Vec<Value>) -> Result<OpenDhtCall, Fault> {
    let Ok(
        [
            Value::Base64(key),
            Value::Base64(value),
            Value::Int(ttl),
            Value::String(application),
        ],
    ) = exactly(params)
    else {
        return wrong("put takes key (base64), value (base64), ttl_sec (int), application (string)");
    };
    let key = self::key(&key)?;
    let value = bounded(value, VALUE_LIMIT, "value is longer than 1024 bytes")?;
    check_application(&application)?;
    Ok(OpenDhtCall::Put(Put {
        key,
        value,
        secret_hash: None,
        ttl: self::ttl(ttl),
    }))
}

fn put_removable(params: Vec<Value>) -> Result<OpenDhtCall, Fault> {
    let Ok(
        [
            Value::Base64(key),
            Value::Base64(value),
            Value::String(algorithm),
            Value::Base64(secret_hash),
            Value::Int(ttl),
            Value::String(application),
        ],
    ) = exactly(params)
    else {
        return wrong(
            "put_removable takes key (base64), value (base64), hash_alg (string), secret_hash (base64), ttl_sec (int), \
             application (string)",
        );
    };
    let key = self::key(&key)?;
    let value = bounded(value, VALUE_LIMIT, "value is longer than 1024 bytes")?;
    check_algorithm(&algorithm)?;
    let secret_hash = bounded(secret_hash, HASH_LIMIT, "secret hash is longer than 20 bytes")?;
    check_application(&application)?;
    Ok(OpenDhtCall::Put(Put {
        key,
        value,
        // No hash: not removable, as the interface of Sun RPC says.
        secret_hash: Some(secret_hash).filter(|hash| !hash.is_empty()),
        ttl: self::ttl(ttl),
    }))
}

fn get(params: Vec<Value>, details: bool) -> Result<OpenDhtCall, Fault> {
    let Ok(
        [
            Value::Base64(key),
            Value::Int(maxvals),
            Value::Base64(placemark),
            Value::String(application),
        ],
    ) = exactly(params)
    else {
        return wrong(
            "get and get_details take key (base64), maxvals (int), placemark (base64), application (string); the get of \
             draft-singh-p2p-sip takes a dhtRecord alone",
        );
    };
    let key = self::key(&key)?;
    if maxvals < 1 {
        return wrong("maxvals is less than 1");
    }
    let placemark = bounded(placemark, PLACEMARK_LIMIT, "placemark is longer than 100 bytes")?;
    check_application(&application)?;
    Ok(OpenDhtCall::Get(Get {
        key,
        maxvals: u16::try_from(maxvals).map_or(MAXVALS_LIMIT, |count| count.min(MAXVALS_LIMIT)),
        placemark,
        details,
    }))
}

fn remove(params: Vec<Value>) -> Result<OpenDhtCall, Fault> {
    let Ok(
        [
            Value::Base64(key),
            Value::Base64(value_hash),
            Value::String(algorithm),
            Value::Base64(secret),
            Value::Int(ttl),
            Value::String(application),
        ],
    ) = exactly(params)
    else {
        return wrong(
            "rm takes key (base64), value_hash (base64), hash_alg (string), secret (base64), ttl_sec (int), application \
             (string)",
        );
    };
    let key = self::key(&key)?;
    let value_hash = bounded(value_hash, HASH_LIMIT, "value_hash is longer than 20 bytes")?;
    check_algorithm(&algorithm)?;
    let secret = bounded(secret, SECRET_LIMIT, "secret is longer than 40 bytes")?;
    check_application(&application)?;
    Ok(OpenDhtCall::Remove(Remove {
        key,
        value_hash,
        secret,
        ttl: self::ttl(ttl),
    }))
}

fn exactly<const N: usize>(params: Vec<Value>) -> Result<[Value; N], Vec<Value>> {
    params.try_into()
}

fn wrong<T>(text: &'static str) -> Result<T, Fault> {
    Err(Fault::new(fault::PARAMS, text))
}

fn key(bytes: &[u8]) -> Result<Key, Fault> {
    if bytes.is_empty() {
        return wrong("key is empty");
    }
    let mut key = [0; KEY_LIMIT];
    let Some(start) = KEY_LIMIT.checked_sub(bytes.len()) else {
        return wrong("key is longer than 20 bytes");
    };
    key[start..].copy_from_slice(bytes);
    Ok(Key(key))
}

fn bounded(bytes: Vec<u8>, limit: usize, text: &'static str) -> Result<Vec<u8>, Fault> {
    if bytes.len() > limit { wrong(text) } else { Ok(bytes) }
}

fn check_algorithm(name: &str) -> Result<(), Fault> {
    if name == HASH_ALGORITHM {
        Ok(())
    } else {
        wrong("unknown secret hash algorithm: only \"SHA\" is known")
    }
}

/// Bamboo logged the application's name. Nobody needs it here, so it is only checked.
fn check_application(name: &str) -> Result<(), Fault> {
    if name.len() > APPLICATION_LIMIT {
        wrong("application is longer than 255 bytes")
    } else {
        Ok(())
    }
}

/// Bamboo cut what was too long, and refused nothing: a value whose time is over is stored, and gone at once.
fn ttl(seconds: i32) -> u32 {
    u32::try_from(seconds).map_or(0, |seconds| seconds.min(TTL_LIMIT))
}
