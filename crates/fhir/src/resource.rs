//! A resource that was read and found valid: its text, and ways to walk over it.

mod walk;

use domain::id::{Reference, ResourceId, ResourceType};

use crate::issue::{Issue, Severity};
use crate::json::{Tree, Value};
use crate::text::{Edit, without_empty_arrays};
use crate::validate::{self, Options};

pub use walk::{Coding, Identifier};

/// A valid FHIR R4 resource of a type that the service stores, with its text as the client sent it (less empty arrays,
/// which say nothing).
#[derive(Clone, Debug)]
pub struct Document {
    kind: ResourceType,
    tree: Tree,
    warnings: Vec<Issue>,
}

impl Document {
    /// Reads and validates a request's body.
    ///
    /// # Errors
    /// Every issue that was found, warnings included, when one of them is an error.
    pub fn parse(bytes: &[u8], kind: ResourceType) -> Result<Self, Vec<Issue>> {
        Self::parse_with(bytes, kind, Options::default())
    }

    /// Reads and validates a body with other than the usual strictness.
    ///
    /// # Errors
    /// Every issue that was found, warnings included, when one of them is an error.
    pub fn parse_with(bytes: &[u8], kind: ResourceType, options: Options) -> Result<Self, Vec<Issue>> {
        let (tree, issues) = validate::read(bytes, kind.as_str(), options);
        if issues.iter().any(Issue::is_error) {
            return Err(issues);
        }
        // Without a warning there is no empty array to look for.
        let cleaned = if issues.is_empty() { None } else { without_empty_arrays(&tree) };
        let tree = match cleaned {
            Some(text) => Self::stored(text, kind)?.tree,
            None => tree,
        };
        Ok(Self { kind, tree, warnings: issues })
    }

    /// Reads a text that the service has stored, and so validated before.
    ///
    /// # Errors
    /// The text is not JSON: the store is damaged.
    pub fn stored(text: impl Into<String>, kind: ResourceType) -> Result<Self, Vec<Issue>> {
        let text = text.into();
        match Tree::read(text.as_bytes()) {
            Ok(tree) => Ok(Self { kind, tree, warnings: Vec::new() }),
            Err(problems) => {
                Err(problems.iter().map(|problem| validate::unreadable(problem, Severity::Fatal)).collect())
            }
        }
    }

    /// The resource's type.
    pub fn kind(&self) -> ResourceType {
        self.kind
    }

    /// What was tolerated, to be told when an OperationOutcome is asked for.
    pub fn warnings(&self) -> &[Issue] {
        &self.warnings
    }

    /// The text.
    pub fn text(&self) -> &str {
        self.tree.text()
    }

    /// Gives the text back.
    pub fn into_text(self) -> String {
        self.tree.into_text()
    }

    /// The outermost object.
    pub fn root(&self) -> Value<'_> {
        self.tree.root()
    }

    /// The outermost member of that name.
    pub fn get(&self, name: &str) -> Option<Value<'_>> {
        self.root().get(name)
    }

    /// The logical id in the text, when there is one.
    pub fn id(&self) -> Option<ResourceId> {
        self.get("id")?.as_str()?.parse().ok()
    }

    /// The local reference that the outermost member of that name holds: `Patient/1` in `subject`.
    pub fn reference(&self, name: &str) -> Option<Reference> {
        self.get(name)?.local_reference()
    }

    /// The contained resource of that id.
    pub fn contained(&self, id: &str) -> Option<Value<'_>> {
        self.root().each("contained").find(|own| own.get("id").is_some_and(|own| own.is_str(id)))
    }

    /// Changes to the text.
    pub fn edit(&self) -> Edit<'_> {
        Edit::new(&self.tree)
    }
}

#[cfg(test)]
mod tests;
