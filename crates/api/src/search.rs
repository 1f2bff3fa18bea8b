//! Searches, alike for every type.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::access::{Denied, Narrowed, Permission};
use domain::change::{AuditAction, Stored};
use domain::id::{Key, ResourceType};
use domain::search::Filter;
use fhir::bundle::searchset;
use fhir::issue::{Issue, IssueCode};
use fhir::search::{Asker, Handling, MAX_INCLUDED, Parsed, parse};

use crate::communication::viewing::marked;
use crate::context::{Context, patient_of};
use crate::error::{Answer, Failure};
use crate::read::{as_patients_see, unreadable};

/// How often what came along may bring others in turn.
const ROUNDS: usize = 4;

/// How many bytes of what comes along are given: with the page that reaches it nothing more is looked for.
const INCLUDED_BYTES: usize = 8 << 20;

/// A page of what matches the query and the form, as far as the caller may see it.
pub(crate) async fn search(context: &Context, kind: ResourceType, query: &str, form: &str) -> Answer {
    let Narrowed { visibility, categories } = context.narrowed(kind, Permission::Search).await?;
    let both = [query, form].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("&");
    let manners = context.manners.in_form(form)?;
    let mut asker = asker(context, manners.handling()).await?;
    asker.sees.insert(kind, visibility.clone());
    let mut parsed = parse(kind, &both, &asker)?;
    if !categories.is_empty() {
        // What is found by other rows, or brings others along, could tell of those that the scope hides.
        if !parsed.includes.is_empty() || !parsed.search.keeps_to_its_rows() {
            return Err(Denied::Scope.into());
        }
        parsed.search.filters.push(Filter::Token { param: "category", any: categories });
    }
    // Whoever sees one type as a patient sees all so, also where a directory is everybody's.
    let for_patient = asker.sees.values().any(|own| patient_of(own).is_some());
    let mut page = context.state.store.search(parsed.search.clone()).await?;
    if for_patient {
        page.rows = page.rows.into_iter().map(as_patients_see).collect::<Result<_, _>>()?;
    }
    let included = included(context, &mut parsed, &page.rows, for_patient).await?;
    // What comes along is found by the messages as they are stored; who has read them is shown at last.
    marked(context, &visibility, &mut page.rows).await?;
    let mut audit = context.audit(AuditAction::Execute, "search-type");
    audit.query = Some(STANDARD.encode(format!("{kind}?{both}")));
    audit.patient = patient_of(&visibility).cloned();
    audit.gives(page.rows.iter().chain(&included));
    context.record(audit).await?;
    let base = &context.state.base_url;
    Ok(manners.present(unreadable(searchset(base, &parsed, &page, &included))?))
}

/// Who asks: what they may find of each type is settled before anything is looked for.
pub(crate) async fn asker(context: &Context, handling: Handling) -> Result<Asker<'_>, Failure> {
    let mut sees = BTreeMap::new();
    for kind in ResourceType::ALL {
        match context.visibility(*kind, Permission::Search).await {
            Ok(visibility) => {
                sees.insert(*kind, visibility);
            }
            Err(Failure::Forbidden(Denied::Scope | Denied::Context)) => {}
            Err(failure) => return Err(failure),
        }
    }
    let tenant = context.caller.tenant.clone();
    Ok(Asker { handling, base_url: &context.state.base_url, tenant, now: context.now(), sees })
}

/// What comes along with the matches, each once and no match again.
async fn included(
    context: &Context,
    parsed: &mut Parsed,
    matches: &[Stored],
    for_patient: bool,
) -> Result<Vec<Stored>, Failure> {
    let mut known: BTreeSet<Key> = matches.iter().map(|row| row.key.clone()).collect();
    let mut found: Vec<Stored> = vec![];
    let mut rows = matches.to_vec();
    let (mut left_out, mut bytes) = (false, 0);
    for round in 0..=ROUNDS {
        let mut next = vec![];
        for include in parsed.includes.iter().filter(|include| round == 0 || include.iterates) {
            let searches = include.searches(&context.caller.tenant, &context.state.base_url, &rows);
            for mut search in unreadable(searches)? {
                loop {
                    let page = context.state.store.search(search.clone()).await?;
                    let new = page.rows.into_iter().filter(|row| known.insert(row.key.clone()));
                    next.extend(new.inspect(|row| bytes += row.body.len()));
                    search.after = page.next;
                    left_out |= found.len() + next.len() > MAX_INCLUDED || bytes > INCLUDED_BYTES;
                    if search.after.is_none() || left_out {
                        break;
                    }
                }
            }
        }
        // What is known to go on beyond the last round is not looked for, but told.
        left_out |= round == ROUNDS && !next.is_empty();
        if for_patient {
            next = next.into_iter().map(as_patients_see).collect::<Result<_, _>>()?;
        }
        found.extend(next.iter().cloned());
        rows = next;
        if rows.is_empty() || left_out {
            break;
        }
    }
    if left_out {
        found.truncate(MAX_INCLUDED);
        let mib = INCLUDED_BYTES >> 20;
        let text = format!(
            "More would come along than is given: {MAX_INCLUDED} or about {mib} MiB at most, {ROUNDS} references far."
        );
        parsed.ignored.push(Issue::warning(IssueCode::TooCostly, text));
    }
    Ok(found)
}
