//! From a parameter of a query, with its modifiers, chains and `_has`, to a condition.

use std::collections::BTreeMap;

use domain::access::Visibility;
use domain::id::ResourceType;
use domain::search::{Filter, Link, Selection, TokenMatch};

use super::value::{Asked, Refused, present};
use super::{ForPatients, Parameter, ParameterKind, Source, parameters};
use crate::issue::IssueCode;

/// Who may find which rows of each type: those of a type that is not there are not theirs to search.
pub(super) type Sees = BTreeMap<ResourceType, Visibility>;

/// Why a parameter makes no condition.
#[derive(Debug)]
pub(super) enum Problem {
    /// There is no such parameter, which a lenient search may ignore.
    Unknown,
    /// It is wrong.
    Refused(Refused),
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

/// The parameters of a type that there are for the caller.
pub(super) fn offered(sees: &Sees, kind: ResourceType) -> impl Iterator<Item = &'static Parameter> + Clone + use<> {
    let is_patient = matches!(sees.get(&kind), Some(Visibility::Patient { .. }));
    let is_offered = move |own: &&Parameter| !is_patient || own.for_patients != ForPatients::Hidden;
    parameters(kind).iter().filter(is_offered)
}

/// The condition that a parameter of a query makes on resources of a type.
pub(super) fn condition(sees: &Sees, kind: ResourceType, name: &str, asked: Asked<'_>) -> Result<Filter, Problem> {
    if let Some(rest) = name.strip_prefix("_has:") {
        return referred_to(sees, kind, rest, asked);
    }
    match name.split_once('.') {
        Some((link, rest)) => chained(sees, kind, link, rest, asked),
        None => own(sees, kind, name, asked),
    }
}

/// The condition of a parameter of the type itself.
fn own(sees: &Sees, kind: ResourceType, name: &str, asked: Asked<'_>) -> Result<Filter, Problem> {
    let (plain, modifier) = name.split_once(':').map_or((name, None), |(plain, modifier)| (plain, Some(modifier)));
    let parameter = offered(sees, kind).find(|own| own.name == plain).ok_or(Problem::Unknown)?;
    let meant = |filter| for_patients(sees, kind, parameter, filter);
    Ok(match modifier {
        None => meant(asked.plain(parameter, None)?),
        Some(modifier) => match known(parameter, modifier)? {
            Modifier::Missing => {
                let present = present(parameter);
                if asked.missing()? { Filter::Not(Box::new(present)) } else { present }
            }
            Modifier::Not => Filter::Not(Box::new(meant(asked.plain(parameter, None)?))),
            Modifier::Text => asked.text(parameter)?,
            Modifier::Identifier => asked.identifiers(parameter)?,
            Modifier::Type(target) => meant(asked.plain(parameter, Some(target))?),
        },
    })
}

/// `[parameter].[parameter of the target]`, `[parameter]:[type].[parameter of the target]`
fn chained(sees: &Sees, kind: ResourceType, link: &str, rest: &str, asked: Asked<'_>) -> Result<Filter, Problem> {
    let (name, narrowed) = link.split_once(':').map_or((link, None), |(name, target)| (name, Some(target)));
    let parameter = offered(sees, kind).find(|own| own.name == name).ok_or(Problem::Unknown)?;
    one_level(rest)?;
    let targets = parameter.stored_targets().filter(|target| narrowed.is_none_or(|own| own == target.as_str()));
    let (mut conditions, mut refused) = (Vec::new(), None);
    for target in targets {
        match own(sees, target, rest, asked) {
            Ok(filter) => match selected(sees, target, filter) {
                Ok(to) => conditions.push(Filter::Refers { by: by(parameter, target, asked.base), to }),
                // Among types that nobody has named those that are not the caller's to find are passed over.
                Err(reason) => refused = Some(reason),
            },
            // A parameter need not be one of all the types that may be referred to.
            Err(Problem::Unknown) => {}
            Err(refused) => return Err(refused),
        }
    }
    match conditions.pop() {
        None => Err(refused.map_or(Problem::Unknown, Problem::from)),
        Some(only) if conditions.is_empty() => Ok(only),
        last => Ok(Filter::Any(conditions.into_iter().chain(last).collect())),
    }
}

/// `_has:[type]:[reference]:[parameter of the type]`, of which `asked` is what follows the first colon.
fn referred_to(sees: &Sees, kind: ResourceType, asks: &str, asked: Asked<'_>) -> Result<Filter, Problem> {
    let mut parts = asks.splitn(3, ':');
    let (Some(source), Some(reference), Some(rest)) = (parts.next(), parts.next(), parts.next()) else {
        let remedy = "asks with _has, which takes [type]:[reference parameter]:[parameter], such as \
                      _has:Task:focus:status";
        return Err((IssueCode::Value, remedy.to_owned()).into());
    };
    let source: ResourceType = source.parse().map_err(|_| Problem::Unknown)?;
    one_level(rest)?;
    let parameter = offered(sees, source)
        .find(|own| own.name == reference && own.stored_targets().any(|target| target == kind))
        .ok_or(Problem::Unknown)?;
    let filter = own(sees, source, rest, asked)?;
    Ok(Filter::ReferredTo { by: by(parameter, kind, asked.base), from: selected(sees, source, filter)? })
}

fn one_level(rest: &str) -> Result<(), Refused> {
    if rest.contains('.') || rest.starts_with("_has") {
        let remedy = "reaches farther than one reference, which is as far as chains and _has go";
        return Err((IssueCode::NotSupported, remedy.to_owned()));
    }
    Ok(())
}

/// Resources of a type that fulfil a condition, as far as the caller may find them.
fn selected(sees: &Sees, kind: ResourceType, filter: Filter) -> Result<Selection, Refused> {
    let visibility = sees.get(&kind).cloned().ok_or_else(|| not_theirs(kind))?;
    Ok(Selection { kind, filter: Box::new(filter), visibility })
}

/// The end of a sentence that refuses to look at resources of a type.
pub(super) fn not_theirs(kind: ResourceType) -> Refused {
    (IssueCode::Forbidden, format!("looks at {kind}, which the token does not allow to search"))
}

/// How resources refer to those of a type by a parameter.
pub(super) fn by(parameter: &'static Parameter, target: ResourceType, base: &str) -> Link {
    match parameter.source {
        Source::Thread(_) => Link::Thread,
        _ => Link::Params {
            params: parameter.indexed(),
            prefixes: vec![format!("{target}/"), format!("{base}/{target}/")],
        },
    }
}

/// The condition as patients may make it: by the codes that they are shown.
fn for_patients(sees: &Sees, kind: ResourceType, parameter: &Parameter, filter: Filter) -> Filter {
    let Some(Visibility::Patient { me, .. }) = sees.get(&kind) else { return filter };
    // Who else has read what is the team's to know.
    if let Filter::UnreadBy(any) = filter {
        return Filter::UnreadBy(any.into_iter().filter(|reader| reader == me).collect());
    }
    // So is who of them answers.
    if let Filter::Any(any) = filter {
        return Filter::Any(any.into_iter().filter(|own| !matches!(own, Filter::AnsweredBy(_))).collect());
    }
    let ForPatients::Folded { shown, stored } = parameter.for_patients else { return filter };
    let Filter::Token { param, any } = filter else { return filter };
    let unfold = |asked: TokenMatch| match asked.code.as_deref() {
        Some(code) if code == shown => {
            stored.iter().map(|code| TokenMatch { code: Some((*code).to_owned()), ..asked.clone() }).collect()
        }
        // They never see this one, so nothing matches it.
        Some(code) if stored.contains(&code) => vec![],
        _ => vec![asked],
    };
    Filter::Token { param, any: any.into_iter().flat_map(unfold).collect() }
}

/// What follows a colon (<https://hl7.org/fhir/R4/search.html#modifiers>).
enum Modifier {
    Missing,
    Not,
    Text,
    Identifier,
    Type(&'static str),
}

fn known(parameter: &Parameter, modifier: &str) -> Result<Modifier, Refused> {
    let modifiers = parameter.kind.modifiers();
    if modifiers.contains(&modifier) {
        match modifier {
            "missing" => return Ok(Modifier::Missing),
            "not" => return Ok(Modifier::Not),
            "text" => return Ok(Modifier::Text),
            "identifier" => return Ok(Modifier::Identifier),
            _ => {}
        }
    }
    let targets = match parameter.kind {
        ParameterKind::Reference(targets) => targets,
        _ => &[],
    };
    if let Some(target) = targets.iter().find(|target| **target == modifier) {
        return Ok(Modifier::Type(target));
    }
    let there_are: Vec<_> = modifiers.iter().filter(|own| **own != "[type]").chain(targets).copied().collect();
    Err((IssueCode::NotSupported, format!("does not support this modifier; there are: {}", there_are.join(", "))))
}
