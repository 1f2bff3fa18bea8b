//! Whether an answer is still unread, asked when its author is about to be told so.

use domain::access::{PatientFacts, Visibility};
use domain::change::{OutboxRow, Stored};
use domain::decide::{Voice, is_unread, unread_answer};
use domain::id::{Key, ResourceId, ResourceType, TenantId};
use domain::message::Standing;
use domain::search::{Filter, Read, Search, Sort, SortBy};
use domain::store::StoreError;
use domain::time::Instant;
use fhir::communication::{Communication, standing};

use crate::state::AppState;

/// How many messages are read at once: few are written after an answer that nobody reads.
const PAGE: u16 = 20;

/// Whether a notice tells of nothing any more: somebody on the patient's side has read the answer that it is about, or has
/// written since, or the answer was taken back. Other notices always tell of something. So does one whose answer cannot be
/// understood: to be told in vain is better than not to be told.
///
/// # Errors
/// The store does not answer.
pub async fn is_needless(state: &AppState, tenant: &TenantId, row: &OutboxRow) -> Result<bool, StoreError> {
    let Some(answer) = unread_answer(row) else { return Ok(false) };
    let key = Key::new(ResourceType::Communication, answer.clone());
    let read = Read { tenant: tenant.clone(), key, version: None, visibility: Visibility::Everything };
    let Some(stored) = state.store.read(read).await? else { return Ok(false) };
    let Some(text) = Communication::received(&stored.body).ok().flatten() else { return Ok(false) };
    let message = text.message(answer, &PatientFacts::default());
    let marks = state.store.marks(tenant.clone(), vec![answer.clone()]).await?;
    if stored.deleted || !is_unread(&message, standing(text.document()), &marks) {
        return Ok(true);
    }
    let written = message.occurred_at.unwrap_or_else(|| stored.date.into());
    let mut conversation = row.thread.clone();
    while let Some(thread) = conversation {
        if patient_wrote(state, tenant, &thread, written).await? {
            return Ok(true);
        }
        // Whoever goes on writing in a conversation that was merged is heard in the one that goes on.
        let view = state.store.thread_of(tenant.clone(), thread).await?;
        conversation = view.and_then(|view| view.thread.merged_into);
    }
    Ok(false)
}

/// Whether the patient's side has written in a thread since an instant. Its first message is older than any answer to it.
async fn patient_wrote(
    state: &AppState,
    tenant: &TenantId,
    thread: &ResourceId,
    since: Instant,
) -> Result<bool, StoreError> {
    let mut search = Search {
        tenant: tenant.clone(),
        kind: ResourceType::Communication,
        filters: vec![Filter::Reference { param: "part-of", any: vec![format!("Communication/{thread}")] }],
        sort: vec![Sort { by: SortBy::Date, descending: true }],
        count: PAGE,
        after: None,
        total: false,
        visibility: Visibility::Everything,
    };
    loop {
        let page = state.store.search(search.clone()).await?;
        if page.rows.iter().any(|stored| patients(stored).is_some_and(|at| at > since)) {
            return Ok(true);
        }
        // None was written later than it was received.
        let older = page.rows.last().is_none_or(|stored| Instant::from(stored.date) <= since);
        match page.next.filter(|_| !older) {
            Some(next) => search.after = Some(next),
            None => return Ok(false),
        }
    }
}

/// When a person on the patient's side wrote a message that they have sent, delivered or still to be reviewed.
fn patients(stored: &Stored) -> Option<Instant> {
    let text = Communication::received(&stored.body).ok().flatten()?;
    if !matches!(standing(text.document()), Standing::Sent | Standing::Held) {
        return None;
    }
    let message = text.message(&stored.key.id, &PatientFacts::default());
    let written = message.occurred_at.unwrap_or_else(|| stored.date.into());
    Some(written).filter(|_| Voice::of(&message) == Some(Voice::Patient))
}
