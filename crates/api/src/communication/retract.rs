//! Messages that were not meant, or not so: retracted by their author, by a lead of the pool, or by a machine for them.

use domain::access::{PatientFacts, Visibility};
use domain::change::{AuditAction, AuditRow, Change, Retraction, Stored};
use domain::clock::Clock;
use domain::decide::{self, Retracted, Setting};
use domain::id::{Key, Reference, ResourceId, ResourceType};
use domain::message::Standing;
use domain::policy::Policy;
use domain::schedule::ScheduleChange;
use domain::search::Read;
use domain::store::ThreadView;
use domain::time::Instant;
use fhir::communication::{self, Communication};
use fhir::decided::{self, Frame};
use fhir::outcome::Outcome;
use fhir::resource::Document;

use super::draft::Current;
use super::refused;
use crate::context::{Context, stored};
use crate::error::{Answer, Failure};
use crate::read::unreadable;
use crate::seen;

/// What stands beside the message that is retracted.
struct Beside {
    /// Its thread or, once that has been merged into another, the one that goes on.
    view: ThreadView,
    /// The thread that it was written in.
    written_in: ResourceId,
    hold: Option<domain::hold::Hold>,
}

impl Current {
    /// Writes the version that says that the message was entered in error.
    pub(super) async fn retract(&self, context: &Context, document: &Document, interaction: &'static str) -> Answer {
        let message = unreadable(Communication::stored(&self.stored))?;
        let reason = document.get("statusReason").map(|reason| reason.raw().to_owned());
        let retracted = async |policy: &Policy| {
            let beside = self.beside(context).await?;
            self.may_retract(context, &message, beside.as_ref()).await?;
            let mut change = match &beside {
                Some(beside) => self.decided((context, policy), &message, reason.as_deref(), beside).await?,
                None => self.private(context, reason.as_deref())?,
            };
            let write = change.resources.first().cloned();
            let write = write.ok_or_else(|| Failure::Internal("a retraction without a version".to_owned()))?;
            let decision = change.decisions.first().map(|decision| decision.id.clone());
            change.retractions = vec![self.row(context, beside.as_ref(), decision)];
            change.audit.push(AuditRow {
                focus: Some(write.key.clone()),
                version: Some(write.version),
                patient: message.patient().or_else(|| write.patient.clone()),
                count: 1,
                ..context.audit(AuditAction::Update, interaction)
            });
            Ok((change, write))
        };
        let write = context.settle(Some(&self.stored.key), retracted).await?;
        let outcome = Outcome::all_well("The message is retracted.");
        Ok(context.changed(&stored(&write), &self.visibility, &outcome).await)
    }

    /// The thread and the hold; `None` for what nobody but its author has seen.
    async fn beside(&self, context: &Context) -> Result<Option<Beside>, Failure> {
        let (store, tenant, id) = (&context.state.store, &context.caller.tenant, &self.stored.key.id);
        if self.standing()?.is_private() {
            return Ok(None);
        }
        let missing = || Failure::Internal("a message without a thread".to_owned());
        let written_in = store.thread_of(tenant.clone(), id.clone()).await?.ok_or_else(missing)?;
        let mut view = seen::going_on(&context.state, tenant, id.clone()).await?.ok_or_else(missing)?;
        let hold = store.hold(tenant.clone(), id.clone()).await?;
        if view.thread.id != written_in.thread.id {
            // What waits for a review waits for it where it was written.
            let review = |clock: &Clock| hold.as_ref().is_some_and(|hold| hold.clock == clock.id);
            view.clocks.extend(written_in.clocks.into_iter().filter(review));
        }
        Ok(Some(Beside { view, written_in: written_in.thread.id, hold }))
    }

    async fn may_retract(
        &self,
        context: &Context,
        message: &Communication,
        beside: Option<&Beside>,
    ) -> Result<(), Failure> {
        let (agent, led): (Option<&Reference>, &[Reference]) = match &self.visibility {
            Visibility::Everything => (context.caller.user.as_ref(), &[]),
            Visibility::Patient { me, .. } => (Some(me), &[]),
            Visibility::Staff { me, leads, .. } => (Some(me), leads),
        };
        let machine = self.visibility == Visibility::Everything;
        let pool = beside.and_then(Beside::pool);
        // Who wrote in a role of theirs wrote themself.
        let theirs = context.has_role(message.sender()).await?;
        let author = agent.filter(|_| theirs).unwrap_or(message.sender());
        decide::may_retract(Some(author), pool, agent, led, machine).map_err(|refusal| refused(&refusal))
    }

    async fn decided(
        &self,
        (context, policy): (&Context, &Policy),
        message: &Communication,
        reason: Option<&str>,
        Beside { view, written_in, hold }: &Beside,
    ) -> Result<Change, Failure> {
        let (tenant, now) = (&context.caller.tenant, context.now());
        let setting = Setting { policy, now: Instant::from(now) };
        let history = seen::of(context, &view.thread.id, Some(&self.stored.key.id)).await?;
        let mut waiting = context.state.store.waiting_notices(tenant.clone(), view.thread.id.clone()).await?;
        if *written_in != view.thread.id {
            waiting.extend(context.state.store.waiting_notices(tenant.clone(), written_in.clone()).await?);
        }
        let message = message.message(&self.stored.key.id, &PatientFacts::default());
        let retracted = Retracted {
            message: &message,
            hold: hold.as_ref(),
            received_at: self.stored.date.into(),
            agent: context.caller.user.as_ref(),
            client: &context.caller.client,
            waiting: &waiting,
        };
        let mut ids = context.state.ids(setting.now);
        let (decision, dropped) = decide::retract(setting, view, &retracted, &history, &mut ids);
        let mut earlier = seen::tasks(context, &history, &decision.tasks).await?;
        if let Some(hold) = hold {
            earlier.extend(review(context, &hold.task).await?);
        }
        let frame = Frame { tenant, generation: policy.generation, now };
        let mut change = unreadable(decided::retracted(&frame, view, &self.stored, (reason, &earlier), decision))?;
        change.dispatched = dropped;
        Ok(change)
    }

    /// The change of what nobody but its author has seen: nothing was ever decided about it.
    fn private(&self, context: &Context, reason: Option<&str>) -> Result<Change, Failure> {
        let retraction = communication::Retraction {
            version: self.stored.version.next(),
            now: context.now(),
            reason,
            decision: None,
            patient: None,
        };
        let mut change = Change::new(context.caller.tenant.clone());
        change.resources = vec![unreadable(communication::retracted(&self.stored, &retraction))?];
        if self.standing()? == Standing::Scheduled {
            let message = self.stored.key.id.clone();
            change.schedules = vec![ScheduleChange::Ended { message, at: context.now().into() }];
        }
        Ok(change)
    }

    fn row(&self, context: &Context, beside: Option<&Beside>, decision: Option<ResourceId>) -> Retraction {
        Retraction {
            message: self.stored.key.id.clone(),
            at: context.now().into(),
            pool: beside.and_then(Beside::pool).cloned(),
            decision,
            agent: context.caller.user.clone(),
            client: context.caller.client.clone(),
        }
    }
}

impl Beside {
    /// The pool that answers, or is to review the message.
    fn pool(&self) -> Option<&Reference> {
        self.hold.as_ref().map(|hold| &hold.pool_reference).or(self.view.thread.pool_reference.as_ref())
    }
}

/// The Task of a review, as it is stored.
async fn review(context: &Context, task: &ResourceId) -> Result<Option<Stored>, Failure> {
    let key = Key::new(ResourceType::Task, task.clone());
    let tenant = context.caller.tenant.clone();
    Ok(context.state.store.read(Read { tenant, key, version: None, visibility: Visibility::Everything }).await?)
}
