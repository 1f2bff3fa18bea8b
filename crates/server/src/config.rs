//! The configuration: environment variables and one optional TOML file, checked at start.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use api::auth::IssuerConfig;
use api::cors::Origins;
use api::forwarded::TrustedProxies;
use api::rate::Rate;
use domain::access::ProxyAccess;
use domain::id::TenantId;
use serde::Deserialize;

/// The variables that the service reads; `deploy/.env.example` lists the same ones.
pub const VARIABLES: &[&str] = &[
    "POSTERN_LISTEN",
    "POSTERN_BASE_URL",
    "POSTERN_DATABASE_URL",
    "POSTERN_READ_TIMEOUT",
    "POSTERN_DEV",
    "POSTERN_DEV_KEY",
    "POSTERN_AUDIT_KEY",
    "POSTERN_METRICS_LISTEN",
    "POSTERN_CORS_ORIGINS",
    "POSTERN_TRUSTED_PROXIES",
    "POSTERN_RATE",
    "POSTERN_RATE_SYSTEM",
    "POSTERN_CONFIG",
    "POSTERN_LOG",
    "POSTERN_OTLP_ENDPOINT",
];

/// A setting that cannot be used, with the remedy.
#[derive(Debug, thiserror::Error)]
#[error("{variable}: {remedy}")]
pub struct ConfigError {
    /// The variable, or the file's path.
    pub variable: String,
    /// What to do about it.
    pub remedy: String,
}

impl ConfigError {
    fn new(variable: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { variable: variable.into(), remedy: remedy.into() }
    }
}

/// The service's configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the FHIR interface listens.
    pub listen: SocketAddr,
    /// The address under which clients reach the service, without a slash at its end.
    pub base_url: String,
    /// Where the database is.
    pub database_url: persistence::Url,
    /// How long one statement of a read may take.
    pub read_timeout: Duration,
    /// Whether development tokens are accepted.
    pub development: bool,
    /// The file of the development issuer's key.
    pub development_key: PathBuf,
    /// The file of the key under which the audit trail is sealed.
    pub audit_key: PathBuf,
    /// Where `/metrics` listens.
    pub metrics_listen: SocketAddr,
    /// What proxies see, by the patient's age.
    pub proxies: ProxyAccess,
    /// The origins whose pages may call.
    pub origins: Origins,
    /// The proxies that are believed about whom they speak for.
    pub trusted_proxies: TrustedProxies,
    /// How many requests callers may make.
    pub rate: Rate,
    /// What is logged.
    pub log: String,
    /// Where traces go; none are made without it.
    pub otlp_endpoint: Option<String>,
    /// Who issues tokens.
    pub issuers: Vec<IssuerConfig>,
}

/// The password in `deploy/.env.example`, which everybody knows, as it stands in a URL.
const EXAMPLE_PASSWORD: &str = ":change-me@";

/// The optional file; its names are those of the variables without their prefix.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    listen: Option<String>,
    base_url: Option<String>,
    database_url: Option<String>,
    read_timeout: Option<u32>,
    dev: Option<bool>,
    dev_key: Option<String>,
    audit_key: Option<String>,
    metrics_listen: Option<String>,
    cors_origins: Option<String>,
    trusted_proxies: Option<String>,
    rate: Option<u32>,
    rate_system: Option<u32>,
    proxy_access: Option<ProxyAccess>,
    log: Option<String>,
    otlp_endpoint: Option<String>,
    #[serde(default)]
    issuers: Vec<IssuerConfig>,
}

impl Config {
    /// Reads the process's environment and the file that it names.
    pub fn from_environment() -> Result<Self, ConfigError> {
        Self::from_variables(&std::env::vars().collect())
    }

    /// Reads variables; an empty one counts as absent.
    pub fn from_variables(variables: &BTreeMap<String, String>) -> Result<Self, ConfigError> {
        let variable = |name: &str| variables.get(name).map(|value| value.trim()).filter(|value| !value.is_empty());
        if let Some(unknown) = variables.keys().find(|name| is_ours(name) && !VARIABLES.contains(&name.as_str())) {
            return Err(ConfigError::new(
                unknown,
                format!("is not a variable of the service; it reads {}", VARIABLES.join(", ")),
            ));
        }
        let file = variable("POSTERN_CONFIG").map_or_else(|| Ok(File::default()), |path| read(Path::new(path)))?;
        let text = |name: &str, in_file: Option<String>| variable(name).map(str::to_owned).or(in_file);

        let listen = address("POSTERN_LISTEN", text("POSTERN_LISTEN", file.listen).as_deref(), "127.0.0.1:8080")?;
        let metrics_listen = address(
            "POSTERN_METRICS_LISTEN",
            text("POSTERN_METRICS_LISTEN", file.metrics_listen).as_deref(),
            "127.0.0.1:9464",
        )?;
        let base_url = base_url(text("POSTERN_BASE_URL", file.base_url), listen)?;
        let database_url: persistence::Url = text("POSTERN_DATABASE_URL", file.database_url)
            .unwrap_or_else(|| "sqlite:data/postern.sqlite".to_owned())
            .parse()
            .map_err(|error: persistence::OpenError| ConfigError::new("POSTERN_DATABASE_URL", error.to_string()))?;
        let development = match variable("POSTERN_DEV") {
            None => file.dev.unwrap_or(false),
            Some("1" | "true") => true,
            Some("0" | "false") => false,
            Some(_) => return Err(ConfigError::new("POSTERN_DEV", "use 1 or 0")),
        };
        let development_key = text("POSTERN_DEV_KEY", file.dev_key)
            .map_or_else(|| beside(&database_url, "development-key.p8"), PathBuf::from);
        let audit_key =
            text("POSTERN_AUDIT_KEY", file.audit_key).map_or_else(|| beside(&database_url, "audit-key"), PathBuf::from);
        let config = Self {
            listen,
            base_url,
            database_url,
            read_timeout: seconds("POSTERN_READ_TIMEOUT", variable("POSTERN_READ_TIMEOUT"), file.read_timeout, 10)?,
            development,
            development_key,
            audit_key,
            metrics_listen,
            proxies: file.proxy_access.unwrap_or_default(),
            origins: Origins::read(&text("POSTERN_CORS_ORIGINS", file.cors_origins).unwrap_or_default())
                .map_err(|error| ConfigError::new("POSTERN_CORS_ORIGINS", error.to_string()))?,
            trusted_proxies: TrustedProxies::read(
                &text("POSTERN_TRUSTED_PROXIES", file.trusted_proxies).unwrap_or_default(),
            )
            .map_err(|error| ConfigError::new("POSTERN_TRUSTED_PROXIES", error.to_string()))?,
            rate: Rate {
                person: rate("POSTERN_RATE", variable("POSTERN_RATE"), file.rate, Rate::default().person)?,
                system: rate(
                    "POSTERN_RATE_SYSTEM",
                    variable("POSTERN_RATE_SYSTEM"),
                    file.rate_system,
                    Rate::default().system,
                )?,
            },
            log: text("POSTERN_LOG", file.log).unwrap_or_else(|| "info".to_owned()),
            otlp_endpoint: text("POSTERN_OTLP_ENDPOINT", file.otlp_endpoint),
            issuers: file.issuers,
        };
        if matches!(&config.database_url, persistence::Url::Postgres(url) if url.contains(EXAMPLE_PASSWORD)) {
            let remedy = "holds the password of the example: choose another, here and in postgres.env";
            return Err(ConfigError::new("POSTERN_DATABASE_URL", remedy));
        }
        for issuer in &config.issuers {
            issuer.check().map_err(|error| ConfigError::new("POSTERN_CONFIG", error.to_string()))?;
        }
        Ok(config)
    }

    /// How the service opens its database.
    pub fn store(&self) -> persistence::Config {
        persistence::Config { read_timeout: self.read_timeout, ..persistence::Config::new(self.database_url.clone()) }
    }

    /// Whether the service may start to serve: somebody must be able to prove who they are, and development tokens are
    /// believed on this machine alone.
    pub fn check_serving(&self) -> Result<(), ConfigError> {
        if self.development && !self.listen.ip().is_loopback() {
            let remedy =
                "development mode lets anybody with the key file be anybody: listen on 127.0.0.1, or unset POSTERN_DEV";
            return Err(ConfigError::new("POSTERN_DEV", remedy));
        }
        if self.base_url.starts_with("https://") && !self.listen.ip().is_loopback() && self.trusted_proxies.is_empty() {
            let remedy = "the address of clients is https, and this one is open to the network without it: name the \
                          proxies that end TLS (10.0.0.5, 172.16.0.0/12), or listen on 127.0.0.1";
            return Err(ConfigError::new("POSTERN_TRUSTED_PROXIES", remedy));
        }
        if !self.development && self.issuers.is_empty() {
            let remedy = "nobody could prove who they are: name a file with [[issuers]] (issuer, jwks, audiences), or set POSTERN_DEV=1 on a loopback address";
            return Err(ConfigError::new("POSTERN_CONFIG", remedy));
        }
        Ok(())
    }

    /// The tenants that the issuers speak for.
    pub fn tenants(&self) -> Vec<TenantId> {
        let mut tenants: Vec<TenantId> =
            self.issuers.iter().flat_map(IssuerConfig::speaks_for).map(TenantId::new).collect();
        if self.development || tenants.is_empty() {
            tenants.push(TenantId::new(TenantId::DEFAULT));
        }
        tenants.sort();
        tenants.dedup();
        tenants
    }
}

/// Variables of tests and scripts are not the service's.
fn is_ours(name: &str) -> bool {
    name.starts_with("POSTERN_") && !name.starts_with("POSTERN_TEST_") && name != "POSTERN_POSTGRES_BIN"
}

fn read(path: &Path) -> Result<File, ConfigError> {
    let shown = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| ConfigError::new(shown.clone(), error.to_string()))?;
    toml::from_str(&text).map_err(|error| ConfigError::new(shown, error.to_string()))
}

fn address(variable: &str, text: Option<&str>, default: &str) -> Result<SocketAddr, ConfigError> {
    text.unwrap_or(default)
        .parse()
        .map_err(|_| ConfigError::new(variable, format!("say an address and a port, such as {default}")))
}

fn rate(variable: &str, text: Option<&str>, in_file: Option<u32>, default: u32) -> Result<u32, ConfigError> {
    let said = text.map_or(Some(in_file.unwrap_or(default)), |text| text.parse().ok());
    said.filter(|rate| (1..=1_000_000).contains(rate)).ok_or_else(|| {
        ConfigError::new(variable, format!("say requests a second, from 1 to 1000000, such as {default}"))
    })
}

fn seconds(variable: &str, text: Option<&str>, in_file: Option<u32>, default: u32) -> Result<Duration, ConfigError> {
    let said = text.map_or(Some(in_file.unwrap_or(default)), |text| text.parse().ok());
    let said = said.filter(|seconds| (1..=3600).contains(seconds));
    said.map(|seconds| Duration::from_secs(seconds.into()))
        .ok_or_else(|| ConfigError::new(variable, format!("say whole seconds, from 1 to 3600, such as {default}")))
}

fn base_url(text: Option<String>, listen: SocketAddr) -> Result<String, ConfigError> {
    let Some(url) = text else { return Ok(format!("http://{listen}")) };
    let url = url.trim_end_matches('/').to_owned();
    let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    if host.is_some_and(|host| !host.is_empty() && !host.contains(['?', '#', ' '])) {
        Ok(url)
    } else {
        Err(ConfigError::new("POSTERN_BASE_URL", "say an address such as https://messages.example.org"))
    }
}

/// A key lies beside an embedded database, else in `data`.
fn beside(database: &persistence::Url, name: &str) -> PathBuf {
    let folder = match database {
        persistence::Url::Sqlite(path) => path.parent().map(Path::to_path_buf).unwrap_or_default(),
        persistence::Url::Postgres(_) => PathBuf::from("data"),
    };
    folder.join(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
        Config::from_variables(&pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn without_variables_the_defaults_are_an_embedded_database_on_loopback() {
        let config = read(&[]).unwrap();
        assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
        assert_eq!(config.base_url, "http://127.0.0.1:8080");
        assert!(!config.development);
    }

    #[test]
    fn a_wrong_setting_names_its_variable_and_a_remedy() {
        for (name, value) in [
            ("POSTERN_LISTEN", "8080"),
            ("POSTERN_METRICS_LISTEN", "here"),
            ("POSTERN_BASE_URL", "messages.example.org"),
            ("POSTERN_DATABASE_URL", "mysql://x"),
            ("POSTERN_READ_TIMEOUT", "0"),
            ("POSTERN_DEV", "maybe"),
            ("POSTERN_DATABASE_URL", "postgres://postern:change-me@postgres:5432/postern"),
            ("POSTERN_TRUSTED_PROXIES", "proxy.example.org"),
            ("POSTERN_CORS_ORIGINS", "*"),
            ("POSTERN_CORS_ORIGINS", "https://a.example,null"),
            ("POSTERN_RATE", "0"),
            ("POSTERN_RATE_SYSTEM", "fast"),
            ("POSTERN_LISTNE", "127.0.0.1:1"),
        ] {
            let error = read(&[(name, value)]).unwrap_err();
            assert!(error.to_string().starts_with(name) && error.remedy.len() > 5, "{error}");
        }
    }

    #[test]
    fn t7_nobody_serves_without_an_issuer_or_development_tokens_to_the_world() {
        assert!(read(&[]).unwrap().check_serving().is_err());
        assert!(read(&[("POSTERN_DEV", "1")]).unwrap().check_serving().is_ok());
        assert!(read(&[("POSTERN_DEV", "1"), ("POSTERN_LISTEN", "0.0.0.0:8080")]).unwrap().check_serving().is_err());
    }

    #[test]
    fn t3_behind_https_an_open_address_needs_proxies_that_are_trusted() {
        let open = [("POSTERN_BASE_URL", "https://m.example"), ("POSTERN_LISTEN", "0.0.0.0:8080")];
        let error = read(&open).unwrap().check_serving().unwrap_err();
        assert_eq!(error.variable, "POSTERN_TRUSTED_PROXIES");
        let named = [open[0], open[1], ("POSTERN_TRUSTED_PROXIES", "172.16.0.0/12")];
        assert_eq!(read(&named).unwrap().check_serving().unwrap_err().variable, "POSTERN_CONFIG", "only issuers lack");
        let here = [open[0], ("POSTERN_DEV", "1")];
        assert!(read(&here).unwrap().check_serving().is_ok(), "on loopback the proxy is on this machine");
    }
}
