//! Decides where the load is read, from the setting `endpoint` and HHVM's own configuration.

use crate::endpoint::{Endpoint, Target, usual_targets};
use crate::hhvm::Hhvm;
use crate::password::Password;
use crate::place::{Listener, Place};

/// Where to ask, and what that rests on.
pub struct Located {
    /// The places to try, in order.
    pub places: Vec<Place>,
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
    /// HHVM's configuration has an admin port.
    Configuration,
    /// HHVM's configuration has no admin port, so the connections to its pages are counted.
    NoAdminPort(Listener),
    /// HHVM could not be looked at, so the usual port is tried.
    Guess,
}

/// Decides; `hhvm` is none where HHVM does not run or cannot be looked at.
#[must_use]
pub fn locate(endpoint: &Endpoint, hhvm: Option<&Hhvm>) -> Located {
    let at = |places, basis| Located { places, password: None, basis };
    let endpoints = |targets: Vec<Target>| targets.into_iter().map(Place::Endpoint).collect();
    match (endpoint, hhvm) {
        (Endpoint::At(target), _) => at(vec![Place::Endpoint(target.clone())], Basis::Setting),
        (Endpoint::Sockets, hhvm) => {
            at(hhvm.map(|hhvm| Place::Sockets(hhvm.listener())).into_iter().collect(), Basis::Setting)
        }
        (Endpoint::Auto, None) => at(endpoints(usual_targets()), Basis::Guess),
        (Endpoint::Auto, Some(hhvm)) => match hhvm.admin_targets() {
            Some(targets) => Located {
                places: endpoints(targets),
                password: hhvm.options.admin_password.as_ref().map(|found| Password::new(&found.value.0)),
                basis: Basis::Configuration,
            },
            None => at(vec![Place::Sockets(hhvm.listener())], Basis::NoAdminPort(hhvm.listener())),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hhvm::Origin;

    fn hhvm(options: &[(&str, &str)]) -> Hhvm {
        let mut hhvm = Hhvm::default();
        for (name, value) in options {
            hhvm.options.set(name, value, &Origin::File("/etc/hhvm/server.ini".into(), 3));
        }
        hhvm
    }

    fn first(located: &Located) -> String {
        located.places[0].to_string()
    }

    #[test]
    fn the_setting_wins_over_what_hhvm_says() {
        let endpoint = "http://127.0.0.1:9002/check-load".parse().unwrap();
        let located = locate(&endpoint, Some(&hhvm(&[("AdminServer.Port", "7")])));
        assert_eq!(
            (first(&located).as_str(), located.basis),
            ("http://127.0.0.1:9002/check-load", Basis::Setting)
        );
        let located =
            locate(&Endpoint::Sockets, Some(&hhvm(&[("AdminServer.Port", "7"), ("Server.Port", "8")])));
        assert_eq!(first(&located), "the kernel's list of connections to port 8");
        assert!(locate(&Endpoint::Sockets, None).places.is_empty());
    }

    #[test]
    fn auto_follows_hhvms_own_configuration() {
        let configured =
            hhvm(&[("AdminServer.Port", "7"), ("Server.Type", "fastcgi"), ("AdminServer.Password", "x")]);
        let located = locate(&Endpoint::Auto, Some(&configured));
        assert_eq!(first(&located), "fastcgi://127.0.0.1:7/check-load");
        assert_eq!(located.basis, Basis::Configuration);
        assert_eq!(located.password.map(|password| password.query()).as_deref(), Some("auth=x"));
    }

    #[test]
    fn auto_counts_connections_where_the_admin_port_is_off() {
        for (options, expected) in [
            (&[("Server.Port", "9000"), ("Server.IP", "127.0.0.1")][..], "127.0.0.1:9000"),
            (&[("Server.FileSocket", "/run/hhvm/sock")], "/run/hhvm/sock"),
            (&[("Server.Port", "9000"), ("Server.IP", "0.0.0.0")], "port 9000"),
            (&[], "port 80"),
        ] {
            let located = locate(&Endpoint::Auto, Some(&hhvm(options)));
            assert_eq!(first(&located), format!("the kernel's list of connections to {expected}"));
            assert!(matches!(located.basis, Basis::NoAdminPort(_)));
        }
    }

    #[test]
    fn auto_tries_the_usual_port_where_hhvm_cannot_be_looked_at() {
        let located = locate(&Endpoint::Auto, None);
        assert_eq!(
            (first(&located).as_str(), located.basis),
            ("fastcgi://127.0.0.1:9001/check-load", Basis::Guess)
        );
    }
}
