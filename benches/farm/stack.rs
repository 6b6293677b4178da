//! The servers of a node.

/// The servers of a node.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Stack {
    NginxHhvm,
    /// nginx serves the health file itself, and HHVM needs eight seconds before it serves pages.
    SlowHhvm,
    ApacheHhvm,
    NginxPhpFpm,
}

impl Stack {
    pub fn name(self) -> &'static str {
        match self {
            Self::NginxHhvm => "nginx, HHVM",
            Self::SlowHhvm => "nginx with the health file, slow HHVM",
            Self::ApacheHhvm => "Apache, HHVM",
            Self::NginxPhpFpm => "nginx, PHP-FPM",
        }
    }

    /// From Debian, besides what every host has.
    pub fn packages(self) -> &'static str {
        match self {
            Self::NginxHhvm | Self::SlowHhvm => "",
            Self::ApacheHhvm | Self::NginxPhpFpm => "php8.2-fpm,apache2",
        }
    }

    /// A command that tells the version of each server, by what the server is.
    pub fn versions(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::NginxHhvm | Self::SlowHhvm => &[("nginx", "nginx -v 2>&1")],
            Self::ApacheHhvm => &[("Apache", "apache2 -v")],
            Self::NginxPhpFpm => &[("nginx", "nginx -v 2>&1"), ("PHP-FPM", "php-fpm8.2 -v")],
        }
    }

    /// The unit that is stopped.
    pub fn unit(self) -> &'static str {
        match self {
            Self::NginxHhvm | Self::SlowHhvm | Self::ApacheHhvm => "hhvm.service",
            Self::NginxPhpFpm => "php8.2-fpm.service",
        }
    }

    /// What hhvm-drain has to be told of it.
    pub fn settings(self) -> &'static str {
        match self {
            Self::NginxHhvm | Self::SlowHhvm | Self::ApacheHhvm => "",
            Self::NginxPhpFpm => "[unit.'php8.2-fpm.service']\nkind = 'php-fpm'\n",
        }
    }
}
