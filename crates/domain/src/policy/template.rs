//! Filling templates, and saying an instant in a reader's words and zone.

use jiff::tz::TimeZone;

use crate::policy::bundle::{Template, Variable};
use crate::time::Instant;

/// Why a text cannot be sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A variable has no value here.
    #[error("the template needs {0}, which has no value here")]
    Missing(&'static str),
    /// Braces name something that is not a variable.
    #[error("the template names an unknown variable")]
    Unknown,
}

/// A piece of a template's text.
enum Piece<'a> {
    Words(&'a str),
    Variable(&'a str),
}

fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    text.split("{{").enumerate().flat_map(|(number, part)| {
        let (variable, words) = match (number, part.split_once("}}")) {
            (0, _) => (None, part),
            (_, Some((name, words))) => (Some(Piece::Variable(name.trim())), words),
            (_, None) => (Some(Piece::Variable("")), part),
        };
        variable.into_iter().chain([Piece::Words(words)])
    })
}

/// The names between braces in a text, as written.
pub fn names(text: &str) -> Vec<&str> {
    pieces(text).filter_map(|piece| if let Piece::Variable(name) = piece { Some(name) } else { None }).collect()
}

impl Template {
    /// The text in the first of the languages that there is one for, else in the first language there is.
    pub fn text<'a>(&'a self, languages: &[&str]) -> Option<(&'a str, &'a str)> {
        let primary = |tag: &str| tag.split('-').next().unwrap_or(tag).to_ascii_lowercase();
        languages
            .iter()
            .find_map(|wanted| self.texts.iter().find(|(tag, _)| primary(tag) == primary(wanted)))
            .or_else(|| self.texts.iter().next())
            .map(|(tag, text)| (tag.as_str(), text.as_str()))
    }
}

/// A text with its variables filled in. A variable without a value is an error: a patient never sees braces.
pub fn fill(text: &str, value: impl Fn(Variable) -> Option<String>) -> Result<String, TemplateError> {
    let mut filled = String::with_capacity(text.len() + 64);
    for piece in pieces(text) {
        match piece {
            Piece::Words(words) => filled.push_str(words),
            Piece::Variable(name) => {
                let variable = Variable::ALL
                    .into_iter()
                    .find(|variable| variable.as_str() == name)
                    .ok_or(TemplateError::Unknown)?;
                filled.push_str(&value(variable).ok_or(TemplateError::Missing(variable.as_str()))?);
            }
        }
    }
    Ok(filled)
}

const EN_DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const EN_MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const ES_DAYS: [&str; 7] = ["lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"];
const ES_MONTHS: [&str; 12] = [
    "enero",
    "febrero",
    "marzo",
    "abril",
    "mayo",
    "junio",
    "julio",
    "agosto",
    "septiembre",
    "octubre",
    "noviembre",
    "diciembre",
];

/// An instant in words: `Wednesday, June 24 at 5:00 PM EDT`. Languages without words of their own get English.
pub fn local(at: Instant, zone: &TimeZone, language: &str) -> String {
    let local = zone.to_datetime(at.timestamp());
    let day = usize::from(local.weekday().to_monday_zero_offset().unsigned_abs());
    let month = usize::from(local.month().unsigned_abs()) - 1;
    let abbreviation = zone.to_offset_info(at.timestamp()).abbreviation().to_owned();
    if language.to_ascii_lowercase().starts_with("es") {
        return format!(
            "{} {} de {} a las {}:{:02} ({abbreviation})",
            ES_DAYS[day],
            local.day(),
            ES_MONTHS[month],
            local.hour(),
            local.minute(),
        );
    }
    let (hour, half) = match local.hour() {
        0 => (12, "AM"),
        hour @ 1..12 => (hour, "AM"),
        12 => (12, "PM"),
        hour => (hour - 12, "PM"),
    };
    format!(
        "{}, {} {} at {hour}:{:02} {half} {abbreviation}",
        EN_DAYS[day],
        EN_MONTHS[month],
        local.day(),
        local.minute(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patient_never_sees_braces() {
        let number = |variable| (variable == Variable::EmergencyNumber).then(|| "911".to_owned());
        assert_eq!(fill("Call {{emergency.number}} now.", number).unwrap(), "Call 911 now.");
        assert_eq!(fill("By {{due.local}}.", number), Err(TemplateError::Missing("due.local")));
        assert_eq!(fill("{{ x }}", number), Err(TemplateError::Unknown));
        assert_eq!(fill("open {{emergency.number", number), Err(TemplateError::Unknown));
    }

    #[test]
    fn an_instant_is_said_in_the_readers_zone_and_words() {
        let at = "2026-06-24T21:00:00Z".parse().unwrap();
        let zone = |name| jiff::tz::TimeZoneDatabase::bundled().get(name).unwrap();
        assert_eq!(local(at, &zone("America/New_York"), "en"), "Wednesday, June 24 at 5:00 PM EDT");
        assert_eq!(local(at, &zone("America/New_York"), "es-US"), "miércoles 24 de junio a las 17:00 (EDT)");
        assert_eq!(local(at, &zone("Europe/Berlin"), "de"), "Wednesday, June 24 at 11:00 PM CEST");
    }
}
