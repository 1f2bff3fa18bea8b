//! What is recorded of those who were refused, and the key under which the trail is sealed.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use actix_web::http::{Method, StatusCode};
use actix_web::{HttpMessage as _, HttpRequest};
use aws_lc_rs::hmac;
use domain::change::{AuditAction, AuditOutcome, AuditRow, Change};
use domain::id::{Key, ResourceType, TenantId};
use domain::time::Instant;

use crate::door::Authenticated;
use crate::error::Failure;
use crate::observe::RequestId;
use crate::state::{AppState, random};

/// Why the key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AuditKeyError {
    /// The file cannot be read or written.
    #[error("POSTERN_AUDIT_KEY: {path} cannot be read or made")]
    File {
        /// The file.
        path: String,
        /// What went wrong.
        source: io::Error,
    },
    /// Others may read the file.
    #[error("POSTERN_AUDIT_KEY: {0} can be read by others; run chmod 600 on it")]
    Exposed(String),
    /// The file holds something else.
    #[error("POSTERN_AUDIT_KEY: {0} holds less than 32 bytes; make it with: openssl rand -hex 32")]
    Short(String),
    /// There is a trail that was sealed under a key, and no key.
    #[error(
        "POSTERN_AUDIT_KEY: {0} is not there, and the audit trail of this database is sealed already: put the key under \
         which it was begun back (each replica needs the same one), for a new key could not continue it"
    )]
    Missing(String),
}

/// The key under which the audit trail is sealed. Whoever has it can write a trail anew, so it lies where the database's
/// operators cannot read it.
#[derive(Clone)]
pub struct AuditKey(hmac::Key);

impl fmt::Debug for AuditKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuditKey(***)")
    }
}

impl AuditKey {
    /// Whether there is such a file.
    pub fn exists(path: &Path) -> Result<bool, AuditKeyError> {
        path.try_exists().map_err(|source| AuditKeyError::File { path: path.display().to_string(), source })
    }

    /// The key in that file; one that does not exist is made, readable by its owner alone. Two processes that start at
    /// once end up with the same key.
    pub fn load_or_create(path: &Path) -> Result<Self, AuditKeyError> {
        let shown = || path.display().to_string();
        let failed = |source| AuditKeyError::File { path: path.display().to_string(), source };
        if !Self::exists(path)? {
            create(path).map_err(failed)?;
        }
        if fs::metadata(path).map_err(failed)?.permissions().mode() & 0o077 != 0 {
            return Err(AuditKeyError::Exposed(shown()));
        }
        let text = fs::read_to_string(path).map_err(failed)?;
        let secret = text.trim();
        if secret.len() < 32 {
            return Err(AuditKeyError::Short(shown()));
        }
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes())))
    }

    /// The keyed digest of a text, in hex.
    pub fn digest(&self, text: &str) -> String {
        use fmt::Write as _;
        hmac::sign(&self.0, text.as_bytes()).as_ref().iter().fold(String::new(), |mut hex, byte| {
            // Writing to a String cannot fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }
}

/// Writes a new key beside its place and links it there: it appears whole, and whoever came first wins.
fn create(path: &Path) -> io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder)?;
    }
    let draft = path.with_extension(format!("new-{}-{:x}", std::process::id(), random()));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    let written = writeln!(file, "{:032x}{:032x}", random(), random()).and_then(|()| file.sync_all());
    let linked = written.and_then(|()| match fs::hard_link(&draft, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    });
    fs::remove_file(&draft)?;
    linked
}

/// Records that somebody without an accepted token was refused. They belong to no tenant that is known.
pub(crate) async fn stranger(state: &AppState, request: &HttpRequest, failure: &Failure) {
    let row = refused(state, request, failure.status(), "unknown".to_owned());
    save(state, AppState::system_tenant(), row).await;
}

/// Records that a caller was refused, for whatever reason; what was done is recorded by who did it.
pub(crate) async fn refusal(state: &AppState, request: &HttpRequest, status: StatusCode) {
    // What the service itself failed at was done or not, and is in the log; a conflict or a limit is an answer too.
    if !status.is_client_error() {
        return;
    }
    let Some(caller) = request.extensions().get::<Authenticated>().cloned() else { return };
    let mut row = refused(state, request, status, caller.client.clone());
    row.subject = Some(caller.subject.clone());
    row.issuer = Some(caller.issuer.clone());
    row.agent = caller.user.clone().or_else(|| caller.subject_patient());
    row.patient = caller.subject_patient();
    row.purpose.clone_from(&caller.purpose);
    save(state, caller.tenant.clone(), row).await;
}

fn refused(state: &AppState, request: &HttpRequest, status: StatusCode, client: String) -> AuditRow {
    let now = state.time.now();
    let action = match *request.method() {
        Method::GET | Method::HEAD => AuditAction::Read,
        Method::POST => AuditAction::Create,
        Method::PUT | Method::PATCH => AuditAction::Update,
        Method::DELETE => AuditAction::Delete,
        _ => AuditAction::Execute,
    };
    // Never the address itself: it may hold what a person wrote.
    let template = request.match_pattern().unwrap_or_else(|| "unmatched".to_owned());
    AuditRow {
        id: state.ids(Instant::from(now)).next_id(),
        at: now,
        client,
        subject: None,
        issuer: None,
        agent: None,
        action,
        interaction: format!("{} {template} {}", request.method(), status.as_u16()).into(),
        focus: focus(request, &template),
        version: None,
        patient: None,
        about: vec![],
        query: None,
        count: 0,
        request: request.extensions().get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default(),
        outcome: AuditOutcome::Refused,
        source: state.source(request).map(|address| address.to_string()),
        purpose: None,
    }
}

/// The resource that was asked for, whether or not it is there.
fn focus(request: &HttpRequest, template: &str) -> Option<Key> {
    let kind = template.strip_prefix("/fhir/")?.split('/').next()?;
    let kind = ResourceType::ALL.iter().find(|known| known.as_str() == kind)?;
    Some(Key::new(*kind, request.match_info().get("id")?.parse().ok()?))
}

/// A refusal gives nothing away, so it stands even when it cannot be recorded; that is for the log then. What is refused
/// within a transaction is recorded after its end: what the transaction does not keep would take the row along, and
/// whoever else writes waits for that end.
async fn save(state: &AppState, tenant: TenantId, row: AuditRow) {
    let mut change = Change::new(tenant);
    change.audit = vec![row];
    if let Some(change) = state.put_off(change) {
        record(state, change).await;
    }
}

/// Records what was refused within a transaction that has ended, one way or the other.
pub(crate) async fn refused_within(state: &AppState, refusals: Vec<Change>) {
    for change in refusals {
        record(state, change).await;
    }
}

async fn record(state: &AppState, change: Change) {
    if let Err(error) = state.store.save(change).await {
        tracing::error!(%error, "a refusal could not be recorded");
    }
}
