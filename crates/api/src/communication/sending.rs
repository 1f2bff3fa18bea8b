//! A message on its way into the store: decided about, and anew when the world has moved on meanwhile.

mod foresee;
mod later;

use domain::access::Visibility;
use domain::change::{AuditAction, AuditRow, Change, ResourceWrite, Stored};
use domain::correspondent::{Correspondent, Who};
use domain::decide::{self, Known, Setting};
use domain::id::{Ids, Key, ResourceId, ResourceType, Version};
use domain::message::{Message, Side, Standing};
use domain::policy::Policy;
use domain::search::Read;
use domain::store::{SaveError, StoreError, ThreadView};
use domain::time::{Instant, Span};
use fhir::communication::Communication;
use fhir::decided::{self, Frame};
use fhir::issue::{Issue, IssueCode};
use jiff::Timestamp;

use super::refused;
use crate::conditional::Condition;
use crate::context::Context;
use crate::error::Failure;
use crate::read::unreadable;
use crate::seen;
use crate::turn::Turns;

/// How often a message is decided about anew when its thread, its sender or the policy moves on meanwhile: a burst of one
/// sender over several replicas loses a race for each message that comes first.
const ATTEMPTS: usize = 16;

/// When a message that was decided about so often may be sent again.
const AGAIN: Span = Span::from_seconds(1);

/// A message on its way into the store.
pub(super) struct Sending<'a> {
    context: &'a Context,
    condition: Option<&'a Condition>,
    message: &'a Communication,
    /// The draft that is sent or changed, as it stands.
    draft: Option<&'a Stored>,
    /// Whether that draft waits for its instant.
    was_scheduled: bool,
    visibility: &'a Visibility,
    now: Timestamp,
    /// The identifiers of the decision begin here, however often it is taken anew.
    ids: Ids,
    audit: AuditRow,
}

/// What is remembered of those who write.
#[derive(Default)]
struct Memories {
    sender: Option<Correspondent>,
    everyone: Option<Correspondent>,
}

/// What came of it.
pub(super) enum Sent {
    Now(ResourceWrite),
    /// An attempt before this one has sent it.
    Before(Stored),
}

impl<'a> Sending<'a> {
    pub(super) fn new(
        context: &'a Context,
        message: &'a Communication,
        visibility: &'a Visibility,
        condition: Option<&'a Condition>,
    ) -> Self {
        let now = context.now();
        let ids = context.state.ids(Instant::from(now));
        let mut audit = context.audit(AuditAction::Create, "create");
        audit.patient = message.patient();
        audit.count = 1;
        Self { context, condition, message, draft: None, was_scheduled: false, visibility, now, ids, audit }
    }

    /// The same, when an update that found no message to change asks for it.
    pub(super) fn by_update(mut self) -> Self {
        self.audit.interaction = "update".into();
        self
    }

    /// A draft, or a message that waits for its instant, on its way to its next version, in which it may be sent.
    pub(super) fn draft(
        context: &'a Context,
        message: &'a Communication,
        (draft, standing): (&'a Stored, Standing),
        visibility: &'a Visibility,
        interaction: &'static str,
    ) -> Self {
        let mut sending = Self::new(context, message, visibility, None);
        sending.audit.action = AuditAction::Update;
        sending.audit.interaction = interaction.into();
        Self { draft: Some(draft), was_scheduled: standing == Standing::Scheduled, ..sending }
    }

    /// Decides and saves; anew when the thread or the policy has moved on meanwhile, which is nobody's fault.
    pub(super) async fn save(&self) -> Result<Sent, Failure> {
        let tenant = &self.context.caller.tenant;
        let mut policy = self.context.state.policies.current(tenant).await?;
        let mut attempt = 1;
        let mut turn = None;
        loop {
            let mut ids = self.ids.clone();
            let id = self.draft.map_or_else(|| self.context.new_id(&mut ids), |draft| draft.key.id.clone());
            if turn.is_none() && policy.counts_everyone() && self.is_counted() {
                // All who write change one row: whoever comes without a turn loses to somebody each time.
                turn = Some(self.context.state.turns.of(tenant, &Who::Everyone).await);
            }
            let (view, known) = tokio::try_join!(self.continued(), self.remembered(&policy))?;
            let mut change = match self.decide(&policy, &id, view.as_ref(), &known, &mut ids).await {
                Ok(change) => change,
                Err(failure) => match self.context.state.policies.newer(tenant, &policy).await? {
                    Some(newer) if attempt < ATTEMPTS => {
                        policy = newer;
                        attempt += 1;
                        continue;
                    }
                    _ => return Err(failure),
                },
            };
            let missing = || Failure::Internal("a message without a text".to_owned());
            let write = change.resources.first_mut().ok_or_else(missing)?;
            write.made_by_update = self.draft.is_none() && self.audit.interaction == "update";
            let write = write.clone();
            change.audit.push(AuditRow {
                focus: Some(write.key.clone()),
                version: Some(write.version),
                ..self.audit.clone()
            });
            self.file(&mut change);
            change.unique.extend(self.condition.map(|condition| condition.unique(write.key.clone())));
            match self.context.save(change).await {
                Ok(()) => {
                    if let Some(turn) = turn.filter(|_| policy.counts_everyone()) {
                        Turns::passed_on(turn);
                    }
                    return Ok(Sent::Now(write));
                }
                Err(SaveError::NotUnique { .. }) => return self.before().await,
                // Nobody has changed what this one has seen: it is only that too many write at once.
                Err(SaveError::Conflict { .. } | SaveError::StaleCatalogue) if attempt == ATTEMPTS => {
                    return Err(StoreError::Busy { retry_after: AGAIN }.into());
                }
                Err(SaveError::StaleCatalogue) => policy = self.context.state.policies.renewed(tenant, &policy).await?,
                // Whoever has changed the draft meanwhile has not seen this change.
                Err(SaveError::Conflict { key: Some(key) }) if self.draft.is_some_and(|draft| draft.key == key) => {
                    return Err(Failure::lost(self.context.manners.if_match.is_some()));
                }
                // Who has lost a race waits for their turn: many messages of one sender would lose race after race.
                Err(SaveError::Conflict { .. }) => {
                    if turn.is_none() {
                        let sender = Who::Sender(self.message.sender().clone());
                        turn = Some(self.context.state.turns.of(tenant, &sender).await);
                    }
                }
                Err(error) => return Err(error.into()),
            }
            attempt += 1;
        }
    }

    /// What somebody writes in a role of theirs is theirs: they see it as their own, and may change it as that.
    fn file(&self, change: &mut Change) {
        let Visibility::Staff { me, .. } = self.visibility else { return };
        for write in change.resources.iter_mut().filter(|write| write.author.as_ref() == Some(self.message.sender())) {
            write.author = Some(me.clone());
        }
    }

    /// What the one that was faster under the same condition has sent.
    async fn before(&self) -> Result<Sent, Failure> {
        let condition = self.condition.ok_or(Failure::Duplicate)?;
        condition.first(self.context).await?.map(Sent::Before).ok_or(Failure::Duplicate)
    }

    async fn decide(
        &self,
        policy: &Policy,
        id: &ResourceId,
        view: Option<&ThreadView>,
        known: &Memories,
        ids: &mut Ids,
    ) -> Result<Change, Failure> {
        let caller = &self.context.caller;
        let setting = Setting { policy, now: Instant::from(self.now) };
        let message = self.read_by_policy(id)?;
        let version = self.draft.map_or(Version::FIRST, |draft| draft.version.next());
        if self.message.is_draft() {
            let mut change = Change::new(caller.tenant.clone());
            change.resources = vec![unreadable(self.message.drafted(id, version, self.now))?];
            change.decisions = vec![decide::draft(setting, &message, ids).row(None)];
            return Ok(change);
        }
        let mut let_go = None;
        if let Some(release_at) = self.message.release_at() {
            let known = Known { thread: view, sender: known.sender.as_ref(), ..Known::default() };
            let record = decide::schedule(setting, &message, known, release_at, &mut ids.clone());
            match record.map_err(|refusal| refused(&refusal))? {
                Some(record) => return self.scheduled((id, version), &message, release_at, &record),
                None => let_go = Some(unreadable(self.message.clone().let_go())?),
            }
        }
        let seen = match view.filter(|_| message.occurred_at.is_some()) {
            Some(view) => Some(seen::of(self.context, &view.thread.id, None).await?),
            None => None,
        };
        let shadow = self.context.state.policies.shadow(&caller.tenant, policy);
        let known = Known {
            thread: view,
            sender: known.sender.as_ref(),
            everyone: known.everyone.as_ref(),
            // A limit that is tried in shadow finds what it would have counted.
            remember: shadow.as_ref().map(|shadow| shadow.counts_within()).unwrap_or_default(),
        };
        let decision =
            decide::ingest(setting, &message, known, seen.as_ref(), ids).map_err(|refusal| refused(&refusal))?;
        let earlier = match &seen {
            Some(seen) => seen::tasks(self.context, seen, &decision.tasks).await?,
            None => vec![],
        };
        let shadow = shadow.map(|policy| {
            let setting = Setting { policy: &policy, now: setting.now };
            decide::shadow(setting, &message, known, &mut self.ids.beside())
        });
        let frame = Frame { tenant: &caller.tenant, generation: policy.generation, now: self.now };
        let patient = decision.thread.patient.clone();
        let thread = decision.thread.id.clone();
        let sent = let_go.as_ref().unwrap_or(self.message);
        let mut change = unreadable(decided::sent(&frame, sent, (id, version), view, &earlier, decision))?;
        change.schedules = self.ended(id);
        change.shadows = shadow.map(|record| record.row(Some(thread))).into_iter().collect();
        // A message that names no subject is about the patient of its conversation, who is to see it.
        for write in change.resources.iter_mut().filter(|write| write.patient.is_none()) {
            write.patient.clone_from(&patient);
        }
        Ok(change)
    }

    /// The message as policy reads it, believing of what it says as much as its sender may say.
    fn read_by_policy(&self, id: &ResourceId) -> Result<Message, Failure> {
        let mut message = self.message.message(id, &self.context.caller.facts);
        if matches!(self.visibility, Visibility::Patient { .. }) {
            // Only an engine or the team's own client can say that a machine wrote: a patient's portal that says so of
            // everything would leave every message without an answer.
            message.machine_generated = false;
        }
        if message.occurred_at.is_some() && *self.visibility != Visibility::Everything {
            let text = "Only an engine with a system scope says when a message was written: leave the extension out.";
            let place = format!("Communication.extension.where(url='{}')", fhir::canonical::OCCURRED_AT);
            return Err(Failure::NotAllowed(vec![Issue::error(IssueCode::Forbidden, text).at(place)]));
        }
        Ok(message)
    }

    /// The thread of a message or, once it has been merged, the one that goes on in its place. `None` for a proxy who may
    /// not see that one: what they could see does not carry them into it, and they begin another.
    async fn going_on(&self, message: ResourceId, thread: Option<&ResourceId>) -> Result<Option<ThreadView>, Failure> {
        let (store, tenant) = (&self.context.state.store, &self.context.caller.tenant);
        let view = seen::going_on(&self.context.state, tenant, message).await?;
        let view = view.ok_or_else(|| Failure::Internal("a message without a thread".to_owned()))?;
        if thread == Some(&view.thread.id) || !matches!(self.visibility, Visibility::Patient { .. }) {
            return Ok(Some(view));
        }
        let key = Key::new(ResourceType::Communication, view.thread.id.clone());
        let root = Read { tenant: tenant.clone(), key, version: None, visibility: self.visibility.clone() };
        Ok(store.read(root).await?.map(|_| view))
    }

    /// Only people outside the team are limited, throttled and blocked.
    fn is_counted(&self) -> bool {
        !self.message.is_draft() && matches!(Side::of(self.message.sender()), Side::Patient | Side::Proxy)
    }

    /// What is remembered of those who write.
    async fn remembered(&self, policy: &Policy) -> Result<Memories, Failure> {
        if !self.is_counted() {
            return Ok(Memories::default());
        }
        let sender = self.message.sender();
        let (store, tenant) = (&self.context.state.store, &self.context.caller.tenant);
        let of = |who| store.correspondent(tenant.clone(), who);
        let sender = Some(of(Who::Sender(sender.clone())).await?);
        let counted = self.context.state.policies.count_everyone(tenant, policy);
        let everyone = if counted { Some(of(Who::Everyone).await?) } else { None };
        Ok(Memories { sender, everyone })
    }

    /// The thread that the message continues, if the caller may see it.
    async fn continued(&self) -> Result<Option<ThreadView>, Failure> {
        let tenant = &self.context.caller.tenant;
        let mut found: Option<ThreadView> = None;
        for id in self.message.continues().map_err(|issue| vec![issue])? {
            let key = Key::new(ResourceType::Communication, id.clone());
            let wanted = Read { tenant: tenant.clone(), key, version: None, visibility: self.visibility.clone() };
            let seen = self.context.state.store.read(wanted).await?.filter(|message| !message.deleted);
            // The same words whether there is no such message or it is not theirs to know.
            let seen = seen.ok_or_else(|| misplaced("unknown-message", "There is no such message to answer."))?;
            let Some(view) = self.going_on(id, seen.thread.as_ref()).await? else { continue };
            match &found {
                Some(known) if known.thread.id != view.thread.id => {
                    return Err(misplaced("several-threads", "A message belongs to one conversation."));
                }
                _ => found = Some(view),
            }
        }
        let (theirs, ours) = (found.as_ref().and_then(|view| view.thread.patient.as_ref()), self.message.patient());
        if theirs.is_some() && ours.is_some() && theirs != ours.as_ref() {
            return Err(misplaced("other-patient", "The conversation is about another patient."));
        }
        Ok(found)
    }
}

fn misplaced(code: &str, text: &str) -> Failure {
    Failure::Business(vec![Issue::error(IssueCode::BusinessRule, text).at("Communication.inResponseTo").because(code)])
}
