//! Overrides: what an authorised person lets happen to an obligation against the policy, and why.

use serde::{Deserialize, Serialize};

use crate::id::{Reference, ResourceId};
use crate::policy::turnaround::PauseReason;
use crate::time::{Instant, Span};

/// What is done to the obligation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OverrideKind {
    /// It gets more open time.
    Extend,
    /// A person says when it is due; pausing does not move that.
    SetDue,
    /// It is let go; shown, and never counted as met.
    Waive,
    /// It rests.
    Pause,
    /// It goes on.
    Resume,
    /// Nobody needs an answer: it falls away.
    NoReplyNeeded,
    /// The matter is closed; a later message of the patient begins the next cycle.
    Resolve,
    /// Limits of number, length and time do not concern the thread, or its patient, until an instant.
    ExemptLimit,
    /// The thread's notices pass quiet hours until an instant.
    ExemptQuiet,
}

impl OverrideKind {
    const ALL: [Self; 9] = [
        Self::Extend,
        Self::SetDue,
        Self::Waive,
        Self::Pause,
        Self::Resume,
        Self::NoReplyNeeded,
        Self::Resolve,
        Self::ExemptLimit,
        Self::ExemptQuiet,
    ];

    /// The code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Extend => "extend",
            Self::SetDue => "set-due",
            Self::Waive => "waive",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::NoReplyNeeded => "no-reply-needed",
            Self::Resolve => "resolve",
            Self::ExemptLimit => "exempt-limit",
            Self::ExemptQuiet => "exempt-quiet",
        }
    }

    /// Whether it lifts a boundary rather than change what is owed.
    pub const fn exempts(self) -> bool {
        matches!(self, Self::ExemptLimit | Self::ExemptQuiet)
    }

    /// The kind of a code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == code)
    }

    /// The reasons that may be given for it.
    pub const fn reasons(self) -> &'static [OverrideReason] {
        use OverrideReason as R;
        match self {
            Self::Extend | Self::SetDue => {
                &[R::ClinicalJudgement, R::PatientAgreed, R::AwaitingResults, R::Staffing, R::TechnicalFailure]
            }
            Self::Waive => {
                &[R::ClinicalJudgement, R::AnsweredByPhone, R::AnsweredInPerson, R::Staffing, R::TechnicalFailure]
            }
            Self::Pause => &[R::WaitingOnPatient, R::WaitingOnThirdParty],
            Self::Resume => &[R::PatientAnswered, R::ThirdPartyAnswered, R::NoLongerWaiting],
            Self::NoReplyNeeded => {
                &[R::ThanksOnly, R::AnsweredByPhone, R::AnsweredInPerson, R::Duplicate, R::SentInError]
            }
            Self::ExemptLimit | Self::ExemptQuiet => {
                &[R::ClinicalJudgement, R::PatientAgreed, R::AwaitingResults, R::TechnicalFailure]
            }
            Self::Resolve => {
                &[R::MatterClosed, R::ThanksOnly, R::AnsweredByPhone, R::AnsweredInPerson, R::Duplicate, R::SentInError]
            }
        }
    }
}

/// Why: a closed list, so that it can be counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OverrideReason {
    /// A clinician has judged it so.
    ClinicalJudgement,
    /// The patient has agreed.
    PatientAgreed,
    /// A result is awaited.
    AwaitingResults,
    /// There are too few people.
    Staffing,
    /// Something did not work.
    TechnicalFailure,
    /// It was answered by telephone.
    AnsweredByPhone,
    /// It was answered face to face.
    AnsweredInPerson,
    /// The patient was asked something.
    WaitingOnPatient,
    /// Someone else was asked something.
    WaitingOnThirdParty,
    /// The patient has answered, on another way than here.
    PatientAnswered,
    /// Someone else has answered.
    ThirdPartyAnswered,
    /// Nobody is waited for any more.
    NoLongerWaiting,
    /// The message says thanks and asks nothing.
    ThanksOnly,
    /// It was asked, and is answered, elsewhere.
    Duplicate,
    /// It was not meant to be sent, or not to here.
    SentInError,
    /// Nothing is left to do.
    MatterClosed,
    /// A person has read it and lets it pass.
    Reviewed,
}

impl OverrideReason {
    /// The code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClinicalJudgement => "clinical-judgement",
            Self::PatientAgreed => "patient-agreed",
            Self::AwaitingResults => "awaiting-results",
            Self::Staffing => "staffing",
            Self::TechnicalFailure => "technical-failure",
            Self::AnsweredByPhone => "answered-by-phone",
            Self::AnsweredInPerson => "answered-in-person",
            Self::WaitingOnPatient => "waiting-on-patient",
            Self::WaitingOnThirdParty => "waiting-on-third-party",
            Self::PatientAnswered => "patient-answered",
            Self::ThirdPartyAnswered => "third-party-answered",
            Self::NoLongerWaiting => "no-longer-waiting",
            Self::ThanksOnly => "thanks-only",
            Self::Duplicate => "duplicate",
            Self::SentInError => "sent-in-error",
            Self::MatterClosed => "matter-closed",
            Self::Reviewed => "reviewed",
        }
    }

    /// The reason for which a clock rests, when it is one.
    pub const fn pauses(self) -> Option<PauseReason> {
        match self {
            Self::WaitingOnPatient => Some(PauseReason::WaitingOnPatient),
            Self::WaitingOnThirdParty => Some(PauseReason::WaitingOnThirdParty),
            _ => None,
        }
    }
}

/// An override as it is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// What.
    pub kind: OverrideKind,
    /// Why.
    pub reason: OverrideReason,
    /// How much open time an extension adds.
    pub amount: Option<Span>,
    /// When it is due from now on.
    pub due: Option<Instant>,
    /// When a pause ends at the latest, or when an exemption ends.
    pub until: Option<Instant>,
    /// Whom an exemption from limits concerns in every thread; without one, this thread alone.
    pub sender: Option<Reference>,
    /// A code of the site's own; never free text.
    pub note: Option<String>,
}

/// An override as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OverrideRow {
    /// Its id.
    pub id: ResourceId,
    /// When.
    pub at: Instant,
    /// The thread.
    pub thread: ResourceId,
    /// The Task, when one was open.
    pub task: Option<ResourceId>,
    /// The decision record.
    pub decision: ResourceId,
    /// The kind's code.
    pub kind: String,
    /// The reason's code.
    pub reason: String,
    /// How much open time was added.
    pub amount: Option<Span>,
    /// The due instant that was set.
    pub due: Option<Instant>,
    /// When the pause ends, as it was asked for or capped; when the exemption ends.
    pub until: Option<Instant>,
    /// Whom an exemption from limits concerns in every thread.
    pub sender: Option<Reference>,
    /// A code of the site's own.
    pub note: Option<String>,
    /// The person who did it.
    pub agent: Option<Reference>,
    /// The client they used.
    pub client: String,
}
