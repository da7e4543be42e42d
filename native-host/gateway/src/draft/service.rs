//! `dhtService`: who provides a service (sections 2 and 3).

use super::key::checked;
use super::{DEPTH_LIMIT, DOCUMENT_LIMIT, DocumentError, HOSTS_LIMIT, Key};
use crate::xml::{Cursor, DHT, Space, escaped};

/// A `dhtService`: what `join`, `lookup` and `leave` take, and what the first two give. Each part may be missing; which
/// must be there is for the method to say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Service {
    /// The service's name space, such as `urn:ietf:params:xml:ns:p2p-sip`.
    pub namespace: Option<String>,
    /// The key for which a provider is looked up.
    pub key: Option<Key>,
    /// Where in the ring the provider is.
    pub host_identifier: Option<Key>,
    /// Where it can be reached: at most [`HOSTS_LIMIT`].
    pub hosts: Vec<ServiceHost>,
}

/// A `serviceHost`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceHost {
    /// A URI, such as `sip:192.0.2.1:5060`.
    pub uri: String,
    /// What it provides, such as `presence` or `turn`.
    pub service: Option<String>,
}

impl Service {
    /// Reads a `dhtService`.
    ///
    /// # Errors
    /// Each kind of [`DocumentError`] but those of `dhtRecords`.
    pub fn read(document: &str) -> Result<Self, DocumentError> {
        if document.len() > DOCUMENT_LIMIT {
            return Err(DocumentError::TooLarge);
        }
        let mut cursor = Cursor::new(document.as_bytes(), DEPTH_LIMIT)?;
        cursor.need(Space::Dht, "dhtService", &["Id"])?;
        let mut service = Self::default();
        if cursor.take(Space::Dht, "namespace", &[])?.is_some() {
            service.namespace = Some(checked(cursor.text()?, "namespace")?);
        }
        if cursor.take(Space::Dht, "key", &["Id", "reference"])?.is_some() {
            service.key = Some(Key::read(&mut cursor, "key")?);
        }
        if cursor
            .take(Space::Dht, "hostIdentifier", &["Id", "reference"])?
            .is_some()
        {
            service.host_identifier = Some(Key::read(&mut cursor, "hostIdentifier")?);
        }
        if cursor.take(Space::Dht, "serviceHosts", &["Id"])?.is_some() {
            service.hosts = hosts(&mut cursor)?;
        }
        cursor.close()?;
        cursor.end()?;
        Ok(service)
    }

    /// Writes it.
    pub fn write(&self) -> String {
        let mut xml = format!("<dhtService xmlns=\"{DHT}\">");
        if let Some(namespace) = &self.namespace {
            xml.push_str(&format!("<namespace>{}</namespace>", escaped(namespace)));
        }
        if let Some(key) = &self.key {
            xml.push_str(&key.write("key"));
        }
        if let Some(identifier) = &self.host_identifier {
            xml.push_str(&identifier.write("hostIdentifier"));
        }
        if !self.hosts.is_empty() {
            xml.push_str("<serviceHosts>");
            for host in &self.hosts {
                let service = host.service.as_deref().map(escaped);
                let service = service.map(|name| format!(" service=\"{name}\"")).unwrap_or_default();
                xml.push_str(&format!("<serviceHost{service}>{}</serviceHost>", escaped(&host.uri)));
            }
            xml.push_str("</serviceHosts>");
        }
        xml.push_str("</dhtService>");
        xml
    }
}

fn hosts(cursor: &mut Cursor<'_>) -> Result<Vec<ServiceHost>, DocumentError> {
    let mut hosts = Vec::new();
    while !cursor.closes()? {
        if hosts.len() == HOSTS_LIMIT {
            return Err(DocumentError::ManyHosts);
        }
        let element = cursor.need(Space::Dht, "serviceHost", &["Id", "service"])?;
        let service = match element.attribute("service") {
            Some(name) => Some(checked(name.to_owned(), "serviceHost")?),
            None => None,
        };
        hosts.push(ServiceHost {
            uri: checked(cursor.text()?, "serviceHost")?,
            service,
        });
    }
    Ok(hosts)
}
