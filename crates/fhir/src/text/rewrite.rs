//! Writing an object anew from slices of its text.

use std::borrow::Cow;
use std::ops::Range;

use super::quote;
use crate::json::{Tree, Value};

/// What happens to one member.
#[derive(Clone, Debug)]
pub(super) enum Change {
    /// It becomes this JSON text.
    Set(String),
    /// It goes.
    Remove,
    /// Items of the array it holds come and go.
    Array(ArrayChange),
}

/// What happens to an array.
#[derive(Clone, Debug, Default)]
pub(super) struct ArrayChange {
    /// The positions of the items that go.
    pub(super) removed: Vec<usize>,
    /// JSON texts of the items that come.
    pub(super) pushed: Vec<String>,
}

/// What happens to the members of an object, by name, in the order in which it was asked for.
#[derive(Clone, Debug, Default)]
pub(super) struct Changes(Vec<(String, Change)>);

impl Changes {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn put(&mut self, name: &str, change: Change) {
        match self.0.iter_mut().find(|(own, _)| own == name) {
            Some((_, old)) => *old = change,
            None => self.0.push((name.to_owned(), change)),
        }
    }

    pub(super) fn set(&mut self, name: &str, json: String) {
        self.put(name, Change::Set(json));
        self.put(&format!("_{name}"), Change::Remove);
    }

    pub(super) fn remove(&mut self, name: &str) {
        self.put(name, Change::Remove);
        self.put(&format!("_{name}"), Change::Remove);
    }

    /// The change of that array; whatever else was asked of the member before is forgotten.
    pub(super) fn array(&mut self, name: &str) -> &mut ArrayChange {
        if !matches!(self.get(name), Some(Change::Array(_))) {
            self.put(name, Change::Array(ArrayChange::default()));
        }
        let found = self.0.iter_mut().find_map(|(own, change)| match change {
            Change::Array(array) if own == name => Some(array),
            _ => None,
        });
        found.expect("the change was put there above")
    }

    fn get(&self, name: &str) -> Option<&Change> {
        self.0.iter().find(|(own, _)| own == name).map(|(_, change)| change)
    }

    /// An object of nothing but what is set or pushed.
    pub(super) fn alone(&self) -> String {
        let members: Vec<String> =
            self.0.iter().filter_map(|(name, change)| Some(format!("{}:{}", quote(name), change.alone(0)?))).collect();
        format!("{{{}}}", members.join(","))
    }
}

impl Change {
    /// The JSON text of a member that was not there before. Before what is pushed stands as much of nothing as its
    /// companion has of its own.
    fn alone(&self, nothing: usize) -> Option<Cow<'_, str>> {
        match self {
            Self::Set(json) => Some(Cow::Borrowed(json)),
            Self::Array(array) if !array.pushed.is_empty() => {
                let nothing = std::iter::repeat_n("null", nothing);
                let items: Vec<&str> = nothing.chain(array.pushed.iter().map(String::as_str)).collect();
                Some(Cow::Owned(format!("[{}]", items.join(","))))
            }
            Self::Remove | Self::Array(_) => None,
        }
    }
}

/// The object with the changes made: first the members named in `first`, then the others as they came, then new ones.
/// The white space around a member goes with it; new members take that before the object's first.
pub(super) fn rewrite(object: Value<'_>, first: &[&str], changes: &Changes) -> String {
    let text = object.tree().text();
    let members: Vec<Member<'_>> = members(object);
    let indent = members.first().map_or("", |member| member.lead);
    let mut out = String::with_capacity(object.raw().len() + 512);
    out.push('{');
    for name in first {
        match members.iter().find(|member| member.value.is_named(name)) {
            Some(member) => member.write(&mut out, changes),
            None => write_new(&mut out, object, indent, name, changes),
        }
    }
    for member in members.iter().filter(|member| !first.iter().any(|name| member.value.is_named(name))) {
        member.write(&mut out, changes);
    }
    for (name, _) in &changes.0 {
        let is_there = first.contains(&name.as_str()) || members.iter().any(|member| member.value.is_named(name));
        if !is_there {
            write_new(&mut out, object, indent, name, changes);
        }
    }
    let end = object.span().end - 1;
    out.push_str(members.last().map_or("", |last| &text[last.value.span().end..end]));
    out.push('}');
    out
}

fn write_new(out: &mut String, object: Value<'_>, indent: &str, name: &str, changes: &Changes) {
    let change = changes.get(name);
    let nothing = match change {
        Some(Change::Array(_)) => object.get(&format!("_{name}")).map_or(0, |beside| beside.items().count()),
        _ => 0,
    };
    if let Some(json) = change.and_then(|change| change.alone(nothing)) {
        separate(out, indent);
        out.push_str(&quote(name));
        out.push(':');
        out.push_str(&json);
    }
}

fn separate(out: &mut String, lead: &str) {
    if out.len() > 1 {
        out.push(',');
    }
    out.push_str(lead);
}

/// A member, or an item of an array, and the white space around it; that behind the last one is the outer value's.
struct Member<'t> {
    lead: &'t str,
    value: Value<'t>,
    trail: &'t str,
}

fn members(outer: Value<'_>) -> Vec<Member<'_>> {
    let text = outer.tree().text();
    let mut from = outer.span().start + 1;
    let mut members: Vec<Member<'_>> = Vec::with_capacity(16);
    for value in outer.children() {
        let before = &text[from..value.member_span().start];
        from = value.span().end;
        // What lies between two of them is a comma with white space around it.
        let (trail, lead) = before.split_once(',').unwrap_or(("", before));
        if let Some(last) = members.last_mut() {
            last.trail = trail;
        }
        members.push(Member { lead, value, trail: "" });
    }
    members
}

impl Member<'_> {
    fn write(&self, out: &mut String, changes: &Changes) {
        let text = self.value.tree().text();
        let span = self.value.member_span();
        let name = &text[span.start..self.value.span().start];
        let name_of = self.value.name();
        let value = match changes.get(&name_of) {
            None => match companion_change(&name_of, changes) {
                Some(change) => edit_array(self.value, &change),
                None => Some(Cow::Borrowed(self.value.raw())),
            },
            Some(Change::Set(json)) => Some(Cow::Borrowed(json.as_str())),
            Some(Change::Remove) => None,
            Some(Change::Array(change)) => edit_array(self.value, change),
        };
        if let Some(json) = value {
            separate(out, self.lead);
            out.push_str(name);
            out.push_str(&json);
            out.push_str(self.trail);
        }
    }
}

/// What a change of a primitive array means for its `_` companion, whose items stand at the same positions.
fn companion_change(name: &str, changes: &Changes) -> Option<ArrayChange> {
    let owner = name.strip_prefix('_')?;
    let Some(Change::Array(change)) = changes.get(owner) else { return None };
    Some(ArrayChange { removed: change.removed.clone(), pushed: vec!["null".to_owned(); change.pushed.len()] })
}

/// The array with the change made; nothing when no item is left.
fn edit_array<'t>(array: Value<'t>, change: &ArrayChange) -> Option<Cow<'t, str>> {
    let items = members(array);
    let kept = items.iter().enumerate().filter(|(position, _)| !change.removed.contains(position));
    let kept: Vec<&Member<'_>> = kept.map(|(_, item)| item).collect();
    if kept.is_empty() {
        return (!change.pushed.is_empty()).then(|| Cow::Owned(format!("[{}]", change.pushed.join(","))));
    }
    let (text, span) = (array.tree().text(), array.span());
    let mut out = String::with_capacity(span.len() + change.pushed.iter().map(String::len).sum::<usize>() + 8);
    out.push('[');
    for item in kept {
        separate(&mut out, item.lead);
        out.push_str(item.value.raw());
        out.push_str(item.trail);
    }
    for item in &change.pushed {
        separate(&mut out, "");
        out.push_str(item);
    }
    let last = items.last().map_or(span.end - 1, |item| item.value.span().end);
    out.push_str(&text[last..span.end]);
    Some(Cow::Owned(out))
}

/// The text without the members that are empty arrays, at any depth; nothing when there is none.
pub(crate) fn without_empty_arrays(tree: &Tree) -> Option<String> {
    let mut cuts: Vec<Range<usize>> = tree.values().filter(|value| value.is_object()).flat_map(cuts).collect();
    if cuts.is_empty() {
        return None;
    }
    cuts.sort_by_key(|cut| cut.start);
    let text = tree.text();
    let (mut out, mut copied) = (String::with_capacity(text.len()), 0);
    for cut in cuts {
        out.push_str(&text[copied..cut.start]);
        copied = cut.end;
    }
    out.push_str(&text[copied..]);
    Some(out)
}

/// The parts of an object's text that go with its empty arrays: each with the comma before it or, at the front, behind.
fn cuts(object: Value<'_>) -> Vec<Range<usize>> {
    let mut cuts = Vec::new();
    let mut keeps_before = None;
    let mut members = object.members().peekable();
    while let Some(member) = members.next() {
        let end = member.span().end;
        if !(member.is_array() && member.is_empty()) {
            keeps_before = Some(end);
            continue;
        }
        match (keeps_before, members.peek()) {
            (Some(before), _) => {
                cuts.push(before..end);
                keeps_before = Some(end);
            }
            (None, Some(next)) => cuts.push(member.member_span().start..next.member_span().start),
            (None, None) => cuts.push(member.member_span().start..end),
        }
    }
    cuts
}
