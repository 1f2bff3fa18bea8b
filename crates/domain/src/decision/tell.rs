//! A decision as its patient would understand it, in the languages in which times can be said.

use jiff::tz::TimeZone;

use crate::calendar::zone_named;
use crate::clock::{ClockName, ClockState};
use crate::decision::{ClockNote, Outcome, Record};
use crate::policy::template::local;
use crate::time::Instant;

/// How many stretches of open and closed time are told one by one.
const TOLD: usize = 5;

/// The tag of the language in which something is told: that of the one asked for when there are words for it, else
/// English.
pub fn spoken(language: &str) -> &'static str {
    if language.trim().to_ascii_lowercase().starts_with("es") { "es" } else { "en" }
}

/// The words of a language.
struct Words<'z> {
    language: &'static str,
    zone: &'z TimeZone,
}

impl Words<'_> {
    fn at(&self, at: Instant) -> String {
        local(at, self.zone, self.language)
    }

    fn say(&self, english: &str, spanish: &str) -> String {
        if self.language == "es" { spanish.to_owned() } else { english.to_owned() }
    }
}

impl Record {
    /// The decision in words for the patient: what came when, when the team is there, and by when somebody answers. Rules,
    /// pools and bundles are not named; [`Record::paragraph`] does that for the team.
    pub fn told(&self, language: &str) -> String {
        let waiting = self.clocks.iter().find(|clock| clock.name == ClockName::NextResponse.as_str());
        let zone = waiting.or(self.clocks.first()).and_then(|clock| zone_named(&clock.zone)).unwrap_or(TimeZone::UTC);
        let words = Words { language: spoken(language), zone: &zone };
        let mut told = vec![self.happened(&words)];
        if !self.red_flags.is_empty() {
            told.push(words.say(
                "It may tell of an emergency, so nothing held it back.",
                "Puede tratarse de una emergencia, por eso nada lo retuvo.",
            ));
        }
        let by = waiting.and_then(|clock| clock.to_be_told(self.at));
        told.extend(waiting.zip(by).and_then(|(clock, by)| hours(clock, by, &words)));
        told.extend(waiting.and_then(|clock| answer(clock, by, &words)));
        let did = |what: &str| self.effects.iter().any(|effect| effect.suppressed.is_none() && effect.what == what);
        if did("visit-suggested") {
            let english = "A visit may serve better than more messages.";
            told.push(words.say(english, "Una consulta puede ser mejor que más mensajes."));
        }
        if !self.errors.is_empty() {
            let english = "A person of the team looks at it in any case.";
            told.push(words.say(english, "Una persona del equipo lo revisará en todo caso."));
        }
        told.join(" ")
    }

    fn happened(&self, words: &Words<'_>) -> String {
        let at = words.at(self.at);
        let (english, spanish) = match self.outcome {
            Outcome::Claimed => ("Somebody of the team took it on", "Alguien del equipo lo atiende desde el"),
            Outcome::Fired => ("The team was reminded", "Se avisó al equipo el"),
            Outcome::Overridden => ("A person of the team decided about it", "Una persona del equipo decidió el"),
            Outcome::Refused => ("Not accepted", "No aceptado el"),
            _ if self.message.is_some() => ("Received", "Recibido el"),
            _ => ("Kept", "Guardado el"),
        };
        format!("{} {at}.", words.say(english, spanish))
    }
}

impl ClockNote {
    /// By when the patient may be told that somebody answers: what they were told before where that is earlier than due,
    /// and no instant that had passed when it was decided.
    fn to_be_told(&self, decided_at: Instant) -> Option<Instant> {
        let due = self.due_at.filter(|_| self.state == ClockState::Running.as_str())?;
        Some(self.promised_at.map_or(due, |promised| promised.min(due))).filter(|by| *by > decided_at)
    }
}

/// When the team is there from now until then: "Open until 5:00 PM, then closed until Monday."
fn hours(clock: &ClockNote, by: Instant, words: &Words<'_>) -> Option<String> {
    // The stretch in which it is answered ends then, which is told by itself.
    let before = clock.walk.iter().take_while(|stretch| stretch.until < by).count();
    let stretches = clock.walk.iter().take(before.min(TOLD)).enumerate().map(|(place, stretch)| {
        let (open, closed) = if place == 0 {
            (words.say("Open until", "Abierto hasta el"), words.say("Closed until", "Cerrado hasta el"))
        } else {
            (
                words.say("then open until", "después abierto hasta el"),
                words.say("then closed until", "después cerrado hasta el"),
            )
        };
        format!("{} {}", if stretch.open { open } else { closed }, words.at(stretch.until))
    });
    let told = stretches.collect::<Vec<_>>().join(", ");
    let more = if before > TOLD { words.say(", and so on", ", y así sucesivamente") } else { String::new() };
    (!told.is_empty()).then(|| format!("{told}{more}."))
}

fn answer(clock: &ClockNote, by: Option<Instant>, words: &Words<'_>) -> Option<String> {
    let told = match (ClockState::from_code(&clock.state)?, by) {
        (ClockState::Running, Some(by)) => {
            let by = words.at(by);
            words.say(&format!("Somebody answers by {by}."), &format!("Alguien responderá a más tardar el {by}."))
        }
        (ClockState::Running, None) => words.say(
            "By when somebody answers cannot be said yet.",
            "Todavía no se puede decir cuándo responderá alguien.",
        ),
        (ClockState::Paused, _) => {
            words.say("It rests until what is missing has come.", "Queda en espera hasta que llegue lo que falta.")
        }
        (ClockState::Met, _) => words.say("The answer came in time.", "La respuesta llegó a tiempo."),
        (ClockState::MetLate, _) => words.say("The answer came late.", "La respuesta llegó tarde."),
        (ClockState::Cancelled | ClockState::Waived, _) => {
            words.say("No answer is owed any more.", "Ya no queda respuesta pendiente.")
        }
        (ClockState::Pending, _) => return None,
    };
    Some(told)
}
