//! Where a value stands, as [FHIRPath](http://hl7.org/fhirpath/).

use std::fmt::Write as _;

use crate::definitions::{Class, Shape, TypeId, r4};
use crate::json::{Step, Tree, is_plain_name};

/// Words of the FHIRPath grammar that can not stand as a name.
const RESERVED: &[&str] = &["div", "mod", "and", "or", "xor", "implies", "true", "false"];

/// The FHIRPath expression of a value: `Communication.payload[0].content` for what stands under `contentString`. It ends
/// where a name is not one that can be repeated; it is empty when the resource's own type is not known.
pub(crate) fn expression(tree: &Tree, node: u32) -> String {
    let own = |value: crate::json::Value<'_>| value.get("resourceType").and_then(|kind| r4().resource(&kind.as_str()?));
    let Some(root) = own(tree.root()) else { return tree.path(node) };
    let mut path = r4().get(root).name.to_owned();
    let (mut at, mut kind) = (tree.root(), Some(root));
    let steps = tree.steps(node);
    for step in steps {
        match step {
            Step::Index(position) => {
                let Some(item) = at.children().nth(position) else { break };
                at = item;
                let _ = write!(path, "[{position}]");
                if kind.is_none_or(|kind| r4().get(kind).class == Class::Abstract) {
                    kind = own(at);
                }
            }
            Step::Member(name) => {
                let Some(member) = at.get(&name) else { break };
                at = member;
                let plain = name.strip_prefix('_').unwrap_or(&name);
                let defined = kind.and_then(|kind| Some((kind, r4().get(kind).member(plain)?)));
                let Some((parent, found)) = defined else {
                    if is_plain_name(&name) {
                        push(&mut path, &name);
                        kind = None;
                        continue;
                    }
                    break;
                };
                push(&mut path, r4().get(parent).element(found).name);
                kind = if plain.len() < name.len() { r4().type_id("Element") } else { type_of(found.shape) };
                if found.shape == Shape::AnyResource && at.is_object() {
                    kind = own(at);
                }
            }
        }
    }
    path
}

fn type_of(shape: Shape) -> Option<TypeId> {
    match shape {
        Shape::Object(kind) | Shape::Reference(kind, _) => Some(kind),
        Shape::Primitive(_) | Shape::Attribute(_) | Shape::AnyResource => None,
    }
}

/// Appends a step to an element.
pub(super) fn push(path: &mut String, name: &str) {
    if !path.is_empty() {
        path.push('.');
    }
    if RESERVED.contains(&name) {
        let _ = write!(path, "`{name}`");
    } else {
        path.push_str(name);
    }
}
