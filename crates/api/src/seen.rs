//! What a thread has seen, read for decisions about messages that come late or are taken back.

use domain::access::{PatientFacts, Visibility};
use domain::change::Stored;
use domain::decide::{History, Ledgered, Merged, Said, Voice};
use domain::decision::{Mode, Outcome, Record};
use domain::hold::HoldState;
use domain::id::{Key, ResourceId, ResourceType, TenantId};
use domain::message::{Message, Side, Standing};
use domain::search::{Filter, Read, Search, Sort, SortBy};
use domain::store::{StoreError, ThreadView};
use domain::task::Task;
use fhir::communication::{Communication, standing};

use crate::context::Context;
use crate::error::Failure;
use crate::state::AppState;

/// How many messages are read at once.
const PAGE: u16 = 500;

/// Of how many decisions about one message is read whether it was believed.
const RECORDS: u16 = 16;

/// What a thread has seen so far, with what was merged into it, but for the message `without`. Whatever comes meanwhile
/// moves the thread's revision on, and a decision from this is refused.
pub(crate) async fn of(
    context: &Context,
    thread: &ResourceId,
    without: Option<&ResourceId>,
) -> Result<History, Failure> {
    let mut history = seen(context, thread, without).await?;
    history.merged = merged(context, thread, without).await?;
    Ok(history)
}

/// What the threads have seen that were merged into one, each with what was merged into it in its turn.
async fn merged(context: &Context, thread: &ResourceId, without: Option<&ResourceId>) -> Result<Vec<Merged>, Failure> {
    let (store, tenant) = (&context.state.store, &context.caller.tenant);
    let mut merged_here = Vec::new();
    for from in store.merged(tenant.clone(), thread.clone()).await? {
        let focus = Some(Key::new(ResourceType::Communication, from.clone()));
        // Of the merges that it was part of, it ended with the last.
        let merge = store.decisions(tenant.clone(), focus, Some(Mode::Live), Some(Outcome::Merged), 1).await?;
        let Some(merge) = merge.first() else { continue };
        let mut seen = seen(context, &from, without).await?;
        seen.merged = Box::pin(merged(context, &from, without)).await?;
        merged_here.push(Merged { at: merge.at, seen });
    }
    Ok(merged_here)
}

async fn seen(context: &Context, thread: &ResourceId, without: Option<&ResourceId>) -> Result<History, Failure> {
    let (store, tenant) = (&context.state.store, &context.caller.tenant);
    let mut history = History::default();
    // Of those that were held: what a lead has answered in another way waits for nothing.
    let mut answered = Vec::new();
    for clock in store.clocks(tenant.clone(), thread.clone()).await? {
        if let Some(review) = clock.terms.review.as_ref().filter(|_| clock.fold.state.is_over()) {
            let hold = store.hold(tenant.clone(), review.message.clone()).await?;
            answered.extend(hold.filter(|hold| hold.state == HoldState::Answered).map(|hold| hold.message));
        }
        let entries = store.ledger(tenant.clone(), clock.id.clone()).await?;
        history.clocks.push(Ledgered { clock, entries });
    }
    let root = read(context, Key::new(ResourceType::Communication, thread.clone())).await?;
    let parts = messages(context, thread).await?;
    let others = root.iter().chain(&parts).filter(|stored| Some(&stored.key.id) != without);
    let others = others.filter(|stored| !answered.contains(&stored.key.id));
    for stored in others {
        let Some(mut message) = sent(stored) else { continue };
        // Where something is taken back, that a machine wrote is believed of nobody: nobody who may wait is forgotten.
        message.machine_generated &= Side::of(&message.sender) == Side::Staff
            || (without.is_none() && taken_for_a_machine(context, &message).await?);
        let at = message.occurred_at.unwrap_or_else(|| stored.date.into());
        history.said.extend(Voice::of(&message).map(|by| Said { at, by }));
    }
    Ok(history)
}

/// The thread of a message or, once it has been merged, the one that goes on in its place.
pub(crate) async fn going_on(
    state: &AppState,
    tenant: &TenantId,
    message: ResourceId,
) -> Result<Option<ThreadView>, StoreError> {
    let mut view = state.store.thread_of(tenant.clone(), message).await?;
    // A thread that goes on may be merged later in its turn; none is merged into one that has ended.
    while let Some(into) = view.as_ref().and_then(|view| view.thread.merged_into.clone()) {
        view = state.store.thread_of(tenant.clone(), into).await?;
    }
    Ok(view)
}

/// The stored versions of Tasks that a decision writes anew and that are not the open one of their thread.
pub(crate) async fn tasks(context: &Context, history: &History, tasks: &[Task]) -> Result<Vec<Stored>, Failure> {
    let mut stored = Vec::new();
    for task in tasks {
        if history.clocks.iter().any(|known| known.clock.task.as_ref() == Some(&task.id)) {
            stored.extend(read(context, Key::new(ResourceType::Task, task.id.clone())).await?);
        }
    }
    Ok(stored)
}

async fn read(context: &Context, key: Key) -> Result<Option<Stored>, Failure> {
    let tenant = context.caller.tenant.clone();
    let read = Read { tenant, key, version: None, visibility: Visibility::Everything };
    Ok(context.state.store.read(read).await?.filter(|stored| !stored.deleted))
}

/// The messages of a thread but for its first.
async fn messages(context: &Context, thread: &ResourceId) -> Result<Vec<Stored>, Failure> {
    let mut search = Search {
        tenant: context.caller.tenant.clone(),
        kind: ResourceType::Communication,
        filters: vec![Filter::Reference { param: "part-of", any: vec![format!("Communication/{thread}")] }],
        sort: vec![Sort { by: SortBy::Date, descending: false }],
        count: PAGE,
        after: None,
        total: false,
        visibility: Visibility::Everything,
    };
    let mut rows = Vec::new();
    loop {
        let page = context.state.store.search(search.clone()).await?;
        rows.extend(page.rows);
        match page.next {
            Some(next) => search.after = Some(next),
            None => return Ok(rows),
        }
    }
}

/// A message that was sent. Drafts and what was sent in error say nothing here.
fn sent(stored: &Stored) -> Option<Message> {
    let communication = Communication::received(&stored.body).ok().flatten()?;
    let sent = standing(communication.document()) == Standing::Sent;
    sent.then(|| communication.message(&stored.key.id, &PatientFacts::default()))
}

/// Whether a message that says that a machine wrote it was believed when it came: of the patient's side only an engine
/// is, and what a portal marks so began a clock.
async fn taken_for_a_machine(context: &Context, message: &Message) -> Result<bool, Failure> {
    if !message.machine_generated || !matches!(Side::of(&message.sender), Side::Patient | Side::Proxy) {
        return Ok(message.machine_generated);
    }
    let (store, tenant) = (&context.state.store, &context.caller.tenant);
    let focus = Some(Key::new(ResourceType::Communication, message.id.clone()));
    let decided = store.decisions(tenant.clone(), focus, Some(Mode::Live), None, RECORDS).await?;
    let records = decided.iter().filter_map(|row| serde_json::from_str::<Record>(&row.body).ok());
    let sides: Vec<String> = records.filter_map(|record| Some(record.message?.side)).collect();
    Ok(!sides.is_empty() && sides.iter().all(|side| side == Side::Machine.as_str()))
}
