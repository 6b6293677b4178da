//! Decides where the load is read: the setting `endpoint`, in the light of what HHVM itself says.

use crate::discover::Hhvm;
use crate::endpoint::{Endpoint, Target};
use crate::password::Password;

/// Where to ask, and what that rests on.
pub struct Located {
    /// The places to try, in order.
    pub targets: Vec<Target>,
    /// The password that HHVM's own configuration names, if it was asked.
    pub password: Option<Password>,
    /// For people.
    pub basis: Basis,
}

/// What the choice of the place rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Basis {
    /// The setting names the place.
    Setting,
    /// HHVM's configuration has an admin port, found at that origin.
    Configuration(String),
    /// HHVM's configuration has no admin port, so the usual one is tried.
    NoAdminPort,
    /// HHVM's configuration could not be looked at, so the usual port is tried.
    Guess,
}

/// Decides; `hhvm` is none where HHVM does not run or cannot be looked at.
#[must_use]
pub fn locate(endpoint: &Endpoint, hhvm: Option<&Hhvm>) -> Located {
    let usual = |basis| Located { targets: endpoint.targets(), password: None, basis };
    if let Endpoint::At(_) = endpoint {
        return usual(Basis::Setting);
    }
    let Some(hhvm) = hhvm else { return usual(Basis::Guess) };
    let (Some(targets), Some(port)) = (hhvm.admin_targets(), &hhvm.options.admin_port) else {
        return usual(Basis::NoAdminPort);
    };
    let password = hhvm.options.admin_password.as_ref().map(|found| Password::new(&found.value.0));
    Located { targets, password, basis: Basis::Configuration(port.origin.to_string()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discover::Origin;

    fn hhvm(options: &[(&str, &str)]) -> Hhvm {
        let mut hhvm = Hhvm::default();
        for (name, value) in options {
            hhvm.options.set(name, value, &Origin::File("/etc/hhvm/server.ini".into(), 3));
        }
        hhvm
    }

    fn first(located: &Located) -> String {
        located.targets[0].to_string()
    }

    #[test]
    fn the_setting_wins_over_what_hhvm_says() {
        let endpoint = "http://127.0.0.1:9002/check-load".parse().unwrap();
        let located = locate(&endpoint, Some(&hhvm(&[("AdminServer.Port", "7")])));
        assert_eq!(
            (first(&located).as_str(), located.basis),
            ("http://127.0.0.1:9002/check-load", Basis::Setting)
        );
    }

    #[test]
    fn auto_follows_hhvms_own_configuration() {
        let configured =
            hhvm(&[("AdminServer.Port", "7"), ("Server.Type", "fastcgi"), ("AdminServer.Password", "x")]);
        let located = locate(&Endpoint::Auto, Some(&configured));
        assert_eq!(first(&located), "fastcgi://127.0.0.1:7/check-load");
        assert_eq!(located.basis, Basis::Configuration("/etc/hhvm/server.ini:3".to_owned()));
        assert_eq!(located.password.map(|password| password.query()).as_deref(), Some("auth=x"));
    }

    #[test]
    fn auto_tries_the_usual_port_where_hhvm_says_nothing() {
        let located = locate(&Endpoint::Auto, Some(&hhvm(&[("Server.Type", "fastcgi")])));
        assert_eq!(
            (first(&located).as_str(), located.basis),
            ("fastcgi://127.0.0.1:9001/check-load", Basis::NoAdminPort)
        );
        assert_eq!(locate(&Endpoint::Auto, None).basis, Basis::Guess);
    }
}
