//! An authorised person lifts a boundary for a while: limits for a thread or a sender, quiet hours for a thread.

use crate::correspondent::{Correspondent, Who};
use crate::decision::{Decision, Outcome, Record};
use crate::id::{Ids, Key, ResourceType};
use crate::overrides::{Override, OverrideKind};
use crate::store::ThreadView;
use crate::thread::Thread;
use crate::time::Span;

use super::notice::Outbox;
use super::overrule::{Actor, allowed, well_formed};
use super::{Refusal, Setting, named};

/// Decides about an exemption. `sender` is what is remembered of the one whom it names.
///
/// # Errors
/// The caller does not answer for the pool, or what is asked for does not fit.
pub fn exempt(
    setting: Setting<'_>,
    view: &ThreadView,
    asked: &Override,
    actor: Actor<'_>,
    sender: Option<&Correspondent>,
    ids: &mut Ids,
) -> Result<Decision, Refusal> {
    let Setting { policy, now } = setting;
    allowed(policy, view, actor)?;
    well_formed(asked, now)?;
    let until = asked.until.ok_or(Refusal::NotAhead { member: "until" })?;
    let (id, seed) = named(ids);
    let focus = Key::new(ResourceType::Communication, view.thread.id.clone());
    let mut record = Record::new(id, policy, focus.clone(), seed, now, Outcome::Overridden);
    record.pool.clone_from(&view.thread.pool);
    record.priority = Some(view.thread.priority);
    let mut thread = Thread { revision: view.thread.revision + 1, ..view.thread.clone() };
    let mut correspondents = vec![];
    match (asked.kind, &asked.sender) {
        (OverrideKind::ExemptQuiet, _) => thread.quiet_lifted_until = Some(until),
        (_, None) => thread.limits_lifted_until = Some(until),
        (_, Some(person)) => {
            if !person.is("Patient") && !person.is("RelatedPerson") {
                return Err(Refusal::NotASender);
            }
            let mut known = sender.cloned().unwrap_or_else(|| Correspondent::unknown(Who::Sender(person.clone())));
            known.exempt(until);
            correspondents.push(known.kept(Span::LONGEST, Span::LONGEST, now));
        }
    }
    record.did("override", asked.kind.as_str(), asked.sender.as_ref().map(ToString::to_string), Some(until));
    record.did("override-reason", asked.reason.as_str(), actor.person.map(ToString::to_string), None);
    let mut outbox = Outbox::new(setting);
    outbox.event(ids, "boundary-lifted", &thread, focus);
    Ok(Decision { correspondents, outbox: outbox.into_rows(), ..Decision::of(thread, record) })
}
