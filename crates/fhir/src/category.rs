//! The categories of a message, compared as a search compares them.

use domain::search::TokenMatch;

use crate::json::Value;
use crate::resource::{Coding, Document};

/// Whether a resource has one of these categories. An empty list asks for none in particular.
pub fn within(document: &Document, categories: &[TokenMatch]) -> bool {
    let fits = |coding: Coding<'_>, asked: &TokenMatch| {
        let system = asked.system.as_ref().is_none_or(|asked| coding.system.as_deref().unwrap_or_default() == asked);
        system && asked.code.as_ref().is_none_or(|asked| coding.code.as_deref() == Some(asked))
    };
    let mut own = document.root().each("category").flat_map(Value::codings);
    categories.is_empty() || own.any(|coding| categories.iter().any(|asked| fits(coding.clone(), asked)))
}

#[cfg(test)]
mod tests {
    use domain::id::ResourceType;

    use super::*;

    #[test]
    fn a_category_is_compared_with_its_system_as_in_a_search() {
        let text = r#"{"resourceType":"Communication","status":"completed","category":[
            {"coding":[{"system":"http://a.example","code":"refill"},{"code":"bare"}]}]}"#;
        let document = Document::stored(text, ResourceType::Communication).unwrap();
        let has = |system: Option<&str>, code: &str| {
            within(&document, &[TokenMatch { system: system.map(str::to_owned), code: Some(code.to_owned()) }])
        };
        assert!(within(&document, &[]));
        assert!(has(None, "refill") && has(Some("http://a.example"), "refill") && has(Some(""), "bare"));
        assert!(!has(Some(""), "refill") && !has(Some("http://b.example"), "refill") && !has(None, "REFILL"));
        let without = Document::stored(r#"{"resourceType":"Communication"}"#, ResourceType::Communication).unwrap();
        assert!(!within(&without, &[TokenMatch { system: None, code: Some("refill".to_owned()) }]));
    }
}
