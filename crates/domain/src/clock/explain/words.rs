//! An explanation as a paragraph, in the languages in which times can be said.

use jiff::tz::TimeZone;

use super::{Explanation, Step};
use crate::calendar::zone_named;
use crate::clock::Event;
use crate::policy::template::local;
use crate::policy::turnaround::{DayEnds, Target};
use crate::time::{Instant, Span};

/// The languages of explanations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// Spanish.
    Spanish,
}

impl Language {
    /// The language of a BCP 47 tag, when there are words for it.
    pub fn of(tag: &str) -> Option<Self> {
        match tag.trim().get(..2)?.to_ascii_lowercase().as_str() {
            "en" => Some(Self::English),
            "es" => Some(Self::Spanish),
            _ => None,
        }
    }

    /// Its BCP 47 tag.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Spanish => "es",
        }
    }

    fn say(self, english: String, spanish: String) -> String {
        match self {
            Self::English => english,
            Self::Spanish => spanish,
        }
    }
}

impl Explanation {
    /// What happened, in order, and where the clock stands.
    pub(super) fn in_words(&self, language: Language) -> String {
        let zone = zone_named(&self.zone).unwrap_or(TimeZone::UTC);
        let at = |instant: Instant| local(instant, &zone, language.tag());
        let mut told: Vec<String> = self.steps.iter().map(|step| told(step, language, &at)).collect();
        let (used, all) = (amount(self.used, language), amount(self.allowance, language));
        told.push(language.say(
            format!("Until {} {used} of {all} have been used.", at(self.at)),
            format!("Hasta el {} se han usado {used} de {all}.", at(self.at)),
        ));
        told.extend(self.standing(language, &at));
        told.extend(self.promised_at.map(|promised| {
            language.say(
                format!("The patient was told {}.", at(promised)),
                format!("Al paciente se le dijo: {}.", at(promised)),
            )
        }));
        told.join(" ")
    }

    fn standing(&self, language: Language, at: &dyn Fn(Instant) -> String) -> Option<String> {
        let due = self.due_at.map(at);
        match (self.state.as_str(), due) {
            ("running", Some(due)) => Some(language.say(format!("It is due by {due}."), format!("Vence el {due}."))),
            ("overdue", Some(due)) => {
                Some(language.say(format!("It was due by {due} and is late."), format!("Venció el {due} y va tarde.")))
            }
            ("unbounded", _) => Some(language.say(
                "No due time can be found: the calendar does not open for long enough.".to_owned(),
                "No hay vencimiento: el calendario no abre lo suficiente.".to_owned(),
            )),
            ("paused", _) => Some(language.say(
                "It rests, and nothing is due meanwhile.".to_owned(),
                "Está en pausa y mientras tanto nada vence.".to_owned(),
            )),
            ("met", _) => Some(language.say("It was met in time.".to_owned(), "Se cumplió a tiempo.".to_owned())),
            ("met-late", _) => Some(language.say("It was met late.".to_owned(), "Se cumplió tarde.".to_owned())),
            _ => None,
        }
    }
}

fn told(step: &Step, language: Language, at: &dyn Fn(Instant) -> String) -> String {
    let when = at(step.at);
    let due = || step.due_at.map(at).unwrap_or_default();
    let (english, spanish) = match &step.event {
        Event::Activate { target, .. } => {
            let (english, spanish) = (target_told(target, Language::English), target_told(target, Language::Spanish));
            (
                format!("It began {when} with {english} and was due by {}.", due()),
                format!("Empezó el {when} con {spanish} y vencía el {}.", due()),
            )
        }
        Event::Pause { reason, .. } => {
            (format!("It has rested since {when} ({reason})."), format!("Quedó en pausa el {when} ({reason})."))
        }
        Event::Resume => (
            format!("It went on {when}, due by {}.", due()),
            format!("Continuó el {when}, con vencimiento el {}.", due()),
        ),
        Event::Fulfill => (format!("A human did what was owed {when}."), format!("Una persona cumplió el {when}.")),
        Event::Cancel { reason } => {
            (format!("It fell away {when} ({reason})."), format!("Quedó sin efecto el {when} ({reason})."))
        }
        Event::Waive { reason } => {
            (format!("It was let go {when} ({reason})."), format!("Fue dispensado el {when} ({reason})."))
        }
        Event::Retarget { reason, .. } => (
            format!("It got another target {when} ({reason}), due by {}.", due()),
            format!("Cambió su plazo el {when} ({reason}), con vencimiento el {}.", due()),
        ),
        Event::Extend { amount: more, reason } => (
            format!("It got {} more {when} ({reason}), due by {}.", amount(*more, Language::English), due()),
            format!("Recibió {} más el {when} ({reason}), hasta el {}.", amount(*more, Language::Spanish), due()),
        ),
        Event::Recalendar { reason, .. } => (
            format!("Another calendar has counted since {when} ({reason}), due by {}.", due()),
            format!("Otro calendario cuenta desde el {when} ({reason}), con vencimiento el {}.", due()),
        ),
        Event::Breach => {
            (format!("That it was late was recorded {when}."), format!("Su retraso quedó registrado el {when}."))
        }
    };
    language.say(english, spanish)
}

fn target_told(target: &Target, language: Language) -> String {
    match target {
        Target::OpenTime { amount: span } => {
            let span = amount(*span, language);
            language.say(format!("{span} of open time"), format!("{span} de horario abierto"))
        }
        Target::OpenDays { days, day_ends: DayEnds::Close } => {
            language.say(format!("{days} open days, by close"), format!("{days} días abiertos, hasta el cierre"))
        }
        Target::OpenDays { days, day_ends: DayEnds::SameTime } => language
            .say(format!("{days} open days, at the same time"), format!("{days} días abiertos, a la misma hora")),
        Target::ElapsedTime { amount: span } => {
            let span = amount(*span, language);
            language.say(format!("{span} by the clock on the wall"), format!("{span} de reloj"))
        }
        Target::Manual { .. } => {
            language.say("a time that a person has set".to_owned(), "una hora fijada por una persona".to_owned())
        }
    }
}

/// An amount in hours and minutes; seconds where there are any.
fn amount(span: Span, language: Language) -> String {
    let seconds = span.seconds();
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let mut parts = Vec::new();
    if hours > 0 {
        parts.push(format!("{hours} h"));
    }
    if minutes > 0 || (hours == 0 && rest == 0) {
        parts.push(format!("{minutes} min"));
    }
    if rest > 0 {
        parts.push(format!("{rest} s"));
    }
    parts.join(language.say(" and ".to_owned(), " y ".to_owned()).as_str())
}
