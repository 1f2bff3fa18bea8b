//! One thing that is wrong with a resource or a request, in FHIR's words.

use std::fmt;

/// How bad an issue is (<https://hl7.org/fhir/R4/valueset-issue-severity.html>).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing.
    Information,
    /// Tolerated.
    Warning,
    /// The request fails for it.
    Error,
    /// The request fails for it and was not looked at any further.
    Fatal,
}

impl Severity {
    /// The FHIR code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Information => "information",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Fatal => "fatal",
        }
    }
}

macro_rules! issue_codes {
    ($($(#[$doc:meta])+ $name:ident = $code:literal;)+) => {
        /// The kind of an issue (<https://hl7.org/fhir/R4/valueset-issue-type.html>).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum IssueCode { $($(#[$doc])+ $name,)+ }

        impl IssueCode {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The FHIR code.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }
        }
    };
}

issue_codes! {
    /// Content that is invalid in a way no other code says.
    Invalid = "invalid";
    /// Not JSON, an unknown element, a wrong shape.
    Structure = "structure";
    /// A required element is missing.
    Required = "required";
    /// An element's value is not valid.
    Value = "value";
    /// A rule between elements is broken.
    Invariant = "invariant";
    /// Who are you?
    Login = "login";
    /// Something is wrong about the caller or what it may do, in a way no other code says.
    Security = "security";
    /// The caller may not do this.
    Forbidden = "forbidden";
    /// Part of the content was left out, because the caller may not see it.
    Suppressed = "suppressed";
    /// It could not be done, in a way no other code says.
    Processing = "processing";
    /// The service does not offer this.
    NotSupported = "not-supported";
    /// There is one already.
    Duplicate = "duplicate";
    /// Several match where one was meant.
    MultipleMatches = "multiple-matches";
    /// There is none.
    NotFound = "not-found";
    /// There was one; it was deleted.
    Deleted = "deleted";
    /// It is longer than is taken.
    TooLong = "too-long";
    /// It would cost too much to answer.
    TooCostly = "too-costly";
    /// A rule of the practice refuses it.
    BusinessRule = "business-rule";
    /// Somebody else was faster, or the version is not the one expected.
    Conflict = "conflict";
    /// It may work later.
    Transient = "transient";
    /// The service failed.
    Exception = "exception";
    /// It took too long.
    Timeout = "timeout";
    /// Too many requests.
    Throttled = "throttled";
    /// Nothing is wrong.
    Informational = "informational";
}

impl fmt::Display for IssueCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A coded reason of ours: the code and the system it is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// The code system; mostly [`crate::canonical::REASON`].
    pub system: &'static str,
    /// The code.
    pub code: String,
}

/// One thing that is wrong, and what to do about it. It names elements, never what a person wrote in them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    /// How bad it is.
    pub severity: Severity,
    /// What kind it is.
    pub code: IssueCode,
    /// Where it is, as FHIRPath: `Communication.payload[0].content`. Absent where no element is concerned.
    pub expression: Option<String>,
    /// What is wrong and the remedy.
    pub message: String,
    /// The reason in our own code system, where there is one.
    pub reason: Option<Reason>,
}

impl Issue {
    /// An error about no element in particular.
    pub fn error(code: IssueCode, message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, code, expression: None, message: message.into(), reason: None }
    }

    /// A warning about no element in particular.
    pub fn warning(code: IssueCode, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, message) }
    }

    /// A remark about no element in particular.
    pub fn information(code: IssueCode, message: impl Into<String>) -> Self {
        Self { severity: Severity::Information, ..Self::error(code, message) }
    }

    /// The same issue, about an element.
    #[must_use]
    pub fn at(mut self, expression: impl Into<String>) -> Self {
        self.expression = Some(expression.into());
        self
    }

    /// The same issue with a reason from our own code system.
    #[must_use]
    pub fn because(mut self, code: impl Into<String>) -> Self {
        self.reason = Some(Reason { system: crate::canonical::REASON, code: code.into() });
        self
    }

    /// Whether a request fails for it.
    pub fn is_error(&self) -> bool {
        self.severity >= Severity::Error
    }
}
