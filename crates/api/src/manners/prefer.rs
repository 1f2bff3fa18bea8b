//! The `Prefer` header (<https://www.rfc-editor.org/rfc/rfc7240>, <https://hl7.org/fhir/R4/http.html#ops>).

use std::fmt;

/// What an answer to a change carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Return {
    /// Nothing but headers.
    Minimal,
    /// The resource as it is now.
    #[default]
    Representation,
    /// An OperationOutcome with what was tolerated.
    Outcome,
}

/// What a client prefers; what is not understood is ignored, as the header's definition asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Prefer {
    /// `return=`
    pub returns: Return,
    /// `handling=lenient`: unknown search parameters are ignored and reported. Strict otherwise.
    pub lenient: bool,
}

impl Prefer {
    /// Reads the header's value; of a preference said twice the first counts.
    pub fn read(value: &str) -> Self {
        let mut returns = None;
        let mut lenient = None;
        for preference in value.split([',', ';']) {
            let Some((name, wanted)) = preference.split_once('=') else { continue };
            let wanted = wanted.trim().trim_matches('"');
            match name.trim().to_ascii_lowercase().as_str() {
                "return" => {
                    let known = match wanted.to_ascii_lowercase().as_str() {
                        "minimal" => Some(Return::Minimal),
                        "representation" => Some(Return::Representation),
                        "operationoutcome" => Some(Return::Outcome),
                        _ => None,
                    };
                    returns = returns.or(known);
                }
                "handling" => lenient = lenient.or(Some(wanted.eq_ignore_ascii_case("lenient"))),
                _ => {}
            }
        }
        Self { returns: returns.unwrap_or_default(), lenient: lenient.unwrap_or_default() }
    }
}

impl fmt::Display for Prefer {
    /// As the header says it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.returns {
            Return::Minimal => "return=minimal",
            Return::Representation => "return=representation",
            Return::Outcome => "return=OperationOutcome",
        })?;
        if self.lenient { f.write_str(", handling=lenient") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preferences_are_read_wherever_they_stand() {
        let read = |text| Prefer::read(text);
        assert_eq!(read(""), Prefer { returns: Return::Representation, lenient: false });
        assert_eq!(read("return=minimal").returns, Return::Minimal);
        assert_eq!(
            read("respond-async, return=\"OperationOutcome\"; handling=lenient"),
            Prefer { returns: Return::Outcome, lenient: true }
        );
        assert_eq!(read("Return=Minimal, return=representation").returns, Return::Minimal);
        assert_eq!(read("return=everything, handling=strict"), Prefer::default());
        for said in ["return=minimal", "return=representation, handling=lenient", "return=OperationOutcome"] {
            assert_eq!(read(said).to_string(), said);
        }
    }
}
