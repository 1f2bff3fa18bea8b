//! The order of results: `_sort`.

use domain::id::ResourceType;
use domain::search::{Sort, SortBy};

use super::condition::{Sees, offered};

/// The order of a search that asks for none: the latest first.
pub(super) const DEFAULT: Sort = Sort { by: SortBy::LastUpdated, descending: true };

/// The keys of a `_sort`, each a parameter that may have a minus before it, and those of them that are not offered.
pub(super) fn keys<'v>(sees: &Sees, kind: ResourceType, value: &'v str) -> (Vec<(Sort, &'v str)>, Vec<&'v str>) {
    let (mut keys, mut unknown) = (Vec::new(), Vec::new());
    for key in value.split(',') {
        let (name, descending) = key.strip_prefix('-').map_or((key, false), |name| (name, true));
        let by = offered(sees, kind).find(|own| own.name == name).and_then(|own| own.sort);
        match by {
            Some(by) => keys.push((Sort { by, descending }, key)),
            None => unknown.push(name),
        }
    }
    (keys, unknown)
}

/// What results of a type can be sorted by.
pub(super) fn names(sees: &Sees, kind: ResourceType) -> Vec<&'static str> {
    offered(sees, kind).filter(|own| own.sort.is_some()).map(|own| own.name).collect()
}
