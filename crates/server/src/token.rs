//! Development tokens.

use api::auth::{DevelopmentClaims, DevelopmentIssuer};
use domain::time::TimeSource;

use crate::config::Config;

/// Whom a token is for.
#[derive(Clone, Debug, PartialEq, Eq, clap::Args)]
pub struct For {
    /// A patient's id.
    #[arg(long, group = "who", value_name = "ID")]
    pub patient: Option<String>,
    /// A proxy's id (RelatedPerson); say with --for whom they act for.
    #[arg(long, group = "who", value_name = "ID", requires = "for_patient")]
    pub proxy: Option<String>,
    /// The patient whom the proxy acts for.
    #[arg(long = "for", id = "for_patient", value_name = "ID", requires = "proxy")]
    pub for_patient: Option<String>,
    /// A practitioner's id, or a whole reference such as PractitionerRole/nurse-ortiz.
    #[arg(long, group = "who", value_name = "ID")]
    pub practitioner: Option<String>,
    /// A pool that the practitioner answers for: its id in the bundle, or its reference. May be repeated.
    #[arg(long, value_name = "ID", requires = "practitioner")]
    pub pool: Vec<String>,
    /// A client that acts for itself.
    #[arg(long, group = "who", value_name = "CLIENT")]
    pub system: Option<String>,
    /// Scopes in place of the usual ones.
    #[arg(long, value_name = "SCOPES")]
    pub scope: Option<String>,
}

impl For {
    /// What the token says.
    pub fn claims(&self) -> Option<DevelopmentClaims> {
        let scope = |usual: &str| self.scope.clone().unwrap_or_else(|| usual.to_owned());
        let person = |kind: &str, id: &str| if id.contains('/') { id.to_owned() } else { format!("{kind}/{id}") };
        let mut claims = DevelopmentClaims { client_id: "development".to_owned(), ..DevelopmentClaims::default() };
        if let Some(patient) = &self.patient {
            claims.fhir_user = Some(person("Patient", patient));
            claims.patient = Some(patient.clone());
            claims.scope = scope("patient/*.cruds");
        } else if let Some(proxy) = &self.proxy {
            claims.fhir_user = Some(person("RelatedPerson", proxy));
            claims.patient.clone_from(&self.for_patient);
            claims.scope = scope("patient/*.cruds");
        } else if let Some(practitioner) = &self.practitioner {
            claims.fhir_user = Some(person("Practitioner", practitioner));
            claims.pools.clone_from(&self.pool);
            claims.scope = scope("user/*.cruds");
        } else if let Some(system) = &self.system {
            claims.client_id.clone_from(system);
            claims.scope = scope("system/*.cruds");
        } else {
            return None;
        }
        claims.sub = claims.fhir_user.clone().unwrap_or_else(|| claims.client_id.clone());
        Some(claims)
    }
}

/// A token by the development key of this configuration, valid for twelve hours.
pub fn mint(config: &Config, who: &For, time: &dyn TimeSource) -> Result<String, Box<dyn std::error::Error>> {
    let claims =
        who.claims().ok_or("say whom the token is for: --patient, --proxy and --for, --practitioner or --system")?;
    let issuer = DevelopmentIssuer::load_or_create(&config.development_key)?;
    Ok(issuer.mint(&claims, time.now(), DevelopmentIssuer::LIFETIME)?)
}
