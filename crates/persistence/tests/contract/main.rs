//! What the store promises, kept on both databases.
//!
//! PostgreSQL is found through `POSTERN_TEST_POSTGRES_URL`, the URL of a superuser: each test makes its own database
//! and drops it.

#![expect(clippy::unwrap_used, reason = "all of this is tests; clippy knows only functions marked as such")]

mod absence;
mod boundaries;
mod catalogue;
mod claim;
mod fresh;
mod group;
mod history;
mod inbox;
mod migration;
mod overrides;
mod read;
mod sample;
mod save;
mod search;
mod transaction;
mod visibility;

/// Runs each of these functions of a [`fresh::Fresh`] store on both databases.
macro_rules! on_both {
    ($($name:ident),+ $(,)?) => {
        mod on_sqlite {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    super::$name(crate::fresh::Fresh::sqlite()).await;
                }
            )+
        }
        mod on_postgres {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    super::$name(crate::fresh::Fresh::postgres()).await;
                }
            )+
        }
    };
}
use on_both;
