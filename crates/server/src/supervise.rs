//! Workers that panic are started again.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use tokio::sync::watch;

/// How long the first restart waits; each that follows at once waits twice as long.
const FIRST: Duration = Duration::from_millis(100);

/// The longest wait.
const LONGEST: Duration = Duration::from_secs(30);

/// Runs what `start` starts until it ends by itself or is told to stop; what panics is started again, a little later each
/// time. `panicked` is told of each.
pub(crate) async fn supervise<F>(mut stop: watch::Receiver<bool>, start: impl Fn() -> F, panicked: impl Fn())
where
    F: Future<Output = ()>,
{
    let mut wait = FIRST;
    loop {
        let began = Instant::now();
        if AssertUnwindSafe(start()).catch_unwind().await.is_ok() {
            return;
        }
        panicked();
        if began.elapsed() > LONGEST {
            wait = FIRST;
        }
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            _ = stop.changed() => return,
        }
        wait = (wait * 2).min(LONGEST);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn what_panics_is_started_again_until_it_ends_by_itself() {
        let (started, told) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let (_stop, stopped) = watch::channel(false);
        let start = || async {
            assert!(started.fetch_add(1, Ordering::SeqCst) >= 2, "as asked");
        };
        supervise(stopped, start, || {
            told.fetch_add(1, Ordering::SeqCst);
        })
        .await;
        assert_eq!((started.into_inner(), told.into_inner()), (3, 2));
    }

    #[tokio::test]
    async fn what_panics_for_ever_ends_when_the_service_stops() {
        let (stop, stopped) = watch::channel(false);
        let panicked = || stop.send(true).unwrap();
        supervise(stopped, || async { panic!("as asked") }, panicked).await;
    }
}
