//! Decide and save: the one loop in which what was decided a moment too early is decided anew.

use domain::change::Change;
use domain::id::Key;
use domain::policy::Policy;
use domain::store::SaveError;

use crate::context::Context;
use crate::error::Failure;

/// How often something is decided: each time somebody else was faster, or the policy has moved on.
const ATTEMPTS: usize = 8;

impl Context {
    /// Decides under the policy in force and saves; anew, from what is read then, when the policy or what was read has
    /// moved on meanwhile, which is nobody's fault. `decide` reads what it decides about, and compares what `If-Match`
    /// names. `seen` is what was read before and is not read again: whoever changes it meanwhile was faster.
    ///
    /// # Errors
    /// What `decide` refuses under the policy in force; a lost race for `seen`, or too many lost in a row; the store's.
    pub(crate) async fn settle<T>(
        &self,
        seen: Option<&Key>,
        decide: impl AsyncFn(&Policy) -> Result<(Change, T), Failure>,
    ) -> Result<T, Failure> {
        let (tenant, policies) = (&self.caller.tenant, &self.state.policies);
        let mut policy = policies.current(tenant).await?;
        let mut lost = SaveError::StaleCatalogue;
        for _attempt in 0..ATTEMPTS {
            let (change, made) = match decide(&policy).await {
                Ok(decided) => decided,
                // What is refused is not saved, and no save says that the policy was an old one.
                Err(failure) => match policies.newer(tenant, &policy).await? {
                    Some(newer) => {
                        policy = newer;
                        continue;
                    }
                    None => return Err(failure),
                },
            };
            lost = match self.save(change).await {
                Ok(()) => return Ok(made),
                Err(SaveError::Conflict { key: Some(key) }) if seen == Some(&key) => {
                    return Err(Failure::lost(self.manners.if_match.is_some()));
                }
                Err(error @ SaveError::StaleCatalogue) => {
                    policy = policies.renewed(tenant, &policy).await?;
                    error
                }
                Err(error @ SaveError::Conflict { .. }) => error,
                Err(error) => return Err(error.into()),
            };
        }
        Err(lost.into())
    }
}
