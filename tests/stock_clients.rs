//! Clients that others have written, as they are: each sends, opens an inbox, replies, searches page by page, reads
//! histories, patches, creates under a condition and sends Bundles. `scripts/clients.sh` installs them and names their
//! folder in `POSTERN_TEST_CLIENTS`.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

use crate::house::House;
use crate::people::{nurse, patient, scoped};

on_both!(house:
    fhirpy_works_as_it_is,
    fhirclient_for_python_works_as_it_is,
    fhir_kit_client_works_as_it_is,
    fhirclient_for_javascript_works_as_it_is,
    medplum_core_works_as_it_is,
);

/// Runs a client's script against the service, which must come to its end.
async fn drive(house: &House, program: impl Fn(&Path) -> PathBuf, script: &str) {
    let folder = env::var_os("POSTERN_TEST_CLIENTS").map(PathBuf::from).expect(
        "POSTERN_TEST_CLIENTS must name the folder of scripts/clients.sh, such as: scripts/clients.sh cargo test; \
         `make test` does so",
    );
    let program = program(&folder);
    let mut command = Command::new(&program);
    command.current_dir(&folder).arg(folder.join(script)).stdin(Stdio::null()).kill_on_drop(true);
    command.env("BASE", format!("{}/fhir", house.base()));
    command.env("PATIENT", house.token(&scoped(&patient("p-1001"), "patient/*.cruds")));
    command.env("NURSE", house.token(&nurse()));
    let done = command.output().await;
    let done = done.unwrap_or_else(|_| panic!("{}: not there; scripts/clients.sh has said why", program.display()));
    let told = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{script}: {told}{}", String::from_utf8_lossy(&done.stdout));
}

fn python(folder: &Path) -> PathBuf {
    folder.join("python/bin/python")
}

fn node(_folder: &Path) -> PathBuf {
    PathBuf::from("node")
}

async fn fhirpy_works_as_it_is(house: &House) {
    drive(house, python, "fhirpy_client.py").await;
}

async fn fhirclient_for_python_works_as_it_is(house: &House) {
    drive(house, python, "fhirclient_client.py").await;
}

async fn fhir_kit_client_works_as_it_is(house: &House) {
    drive(house, node, "fhir-kit-client.mjs").await;
}

async fn fhirclient_for_javascript_works_as_it_is(house: &House) {
    drive(house, node, "fhirclient.mjs").await;
}

async fn medplum_core_works_as_it_is(house: &House) {
    drive(house, node, "medplum.mjs").await;
}
