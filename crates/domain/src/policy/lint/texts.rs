//! Templates: that they say something, in words that fit, with variables that have values.

use super::identity::is_id;
use super::{Lint, escaped};
use crate::policy::bundle::{Clinic, Template, Variable};
use crate::policy::template::{self, fill};
use crate::text::length;

/// Most characters of a template's text as it is written.
pub const MAX_TEXT: usize = 2000;

/// The longest name of a person that texts are measured with.
const LONGEST_NAME: usize = 100;

/// Characters of the longest instant in words, such as `miércoles 30 de septiembre a las 12:00 (+1245)`.
const LONGEST_INSTANT: usize = 48;

impl Lint<'_> {
    /// A template that answers a message: it exists, and nothing keeps it from being filled.
    pub(super) fn reply_template(&mut self, pointer: String, id: &str) {
        match self.bundle.templates.iter().find(|template| template.id == id) {
            None => self.error(pointer, "there is no template of this id", "name one of /templates"),
            Some(template) => {
                let unknown =
                    |variable: &&Variable| matches!(variable, Variable::CoverDisplayName | Variable::PatientGivenName);
                if let Some(variable) = template.variables.iter().find(unknown) {
                    let message = format!("its text names {}, which no reply knows", variable.as_str());
                    self.error(pointer, message, "say it without, so that the text can always be sent");
                }
            }
        }
    }

    pub(super) fn templates(&mut self) {
        let bundle = self.bundle;
        for (place, template) in bundle.templates.iter().enumerate() {
            let pointer = format!("/templates/{place}");
            if template.version < 1 {
                self.error(format!("{pointer}/version"), "versions begin at 1", "use a whole number from 1");
            }
            if template.texts.is_empty() {
                let remedy = "write the text in one language at least";
                self.error(format!("{pointer}/texts"), "is empty", remedy);
            }
            for (channel, most) in &template.max_length {
                let pointer = format!("{pointer}/maxLength/{}", escaped(channel));
                if !is_id(channel) {
                    self.error(&pointer, "not a legal id of a channel", "use a-z, 0-9 and -, a letter first");
                }
                if *most == 0 {
                    self.error(&pointer, "leaves no room", "say how many characters fit");
                }
            }
            for (language, text) in &template.texts {
                let pointer = format!("{pointer}/texts/{}", escaped(language));
                self.language(&pointer, language);
                self.text(&pointer, template, text);
            }
        }
    }

    fn text(&mut self, pointer: &str, template: &Template, text: &str) {
        if text.trim().is_empty() {
            self.error(pointer, "is empty", "write the text");
        }
        if text.chars().count() > MAX_TEXT {
            self.error(pointer, format!("has more than {MAX_TEXT} characters"), "say it in fewer");
            return;
        }
        for name in template::names(text) {
            let known = Variable::ALL.into_iter().find(|variable| variable.as_str() == name);
            if known.is_none_or(|variable| !template.variables.contains(&variable)) {
                let message = "uses a variable that the template does not declare";
                self.error(pointer, message, "declare it under variables, or correct its name");
            }
        }
        let clinic = &self.bundle.clinic;
        let Ok(longest) = fill(text, |variable| Some(longest(variable, clinic))) else { return };
        for (channel, most) in &template.max_length {
            if length(&longest) > *most as usize {
                let message = format!("may have {} characters; {channel} takes {most}", length(&longest));
                self.error(pointer, message, "shorten the text, or use fewer variables");
            }
        }
    }
}

/// The longest value that a variable can have.
fn longest(variable: Variable, clinic: &Clinic) -> String {
    match variable {
        Variable::ClinicName => clinic.name.clone(),
        Variable::ClinicPhone => clinic.phone.clone(),
        Variable::EmergencyNumber => clinic.emergency_number.clone(),
        Variable::NextOpenLocal | Variable::DueLocal => "x".repeat(LONGEST_INSTANT),
        Variable::CoverDisplayName | Variable::PatientGivenName => "x".repeat(LONGEST_NAME),
    }
}
