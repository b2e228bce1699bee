//! What others must not see of a call: passwords, in MONITOR and SLOWLOG.

use crate::config;
use ackline_engine::args::is;
use ackline_engine::{Args, OwnedArgs, Spec};

/// What stands for a secret.
const REDACTED: &[u8] = b"(redacted)";

/// Whether the value of a parameter is a secret.
pub(crate) fn is_secret(parameter: &[u8]) -> bool {
    std::str::from_utf8(parameter).is_ok_and(|name| config::is_secret(&name.to_ascii_lowercase()))
}

/// The words of a call as others may see them; `None` if nothing has to be hidden.
pub(crate) fn words(spec: &Spec, args: Args<'_>) -> Option<OwnedArgs> {
    let is_hidden: fn(Args<'_>, usize) -> bool = match spec.name {
        "auth" => |_, at| at > 0,
        "hello" => follows_auth,
        "acl|setuser" | "acl|getuser" | "acl|deluser" => |_, at| at > 1,
        "config|set" => |args, at| at > 2 && at % 2 == 1 && is_secret(args.at(at - 1)),
        _ => return None,
    };
    let shown = args.iter().enumerate().map(|(at, word)| if is_hidden(args, at) { REDACTED } else { word });
    Some(OwnedArgs::collect(shown.collect::<Vec<_>>()))
}

/// The name and the password behind HELLO's AUTH; a name that is AUTH is no option.
fn follows_auth(args: Args<'_>, at: usize) -> bool {
    let mut option = 2;
    while let Some(word) = args.get(option) {
        let auth = is(word, "AUTH");
        if auth && (option + 1..=option + 2).contains(&at) {
            return true;
        }
        option += if auth { 3 } else { 2 };
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acl::catalog::CATALOG;

    fn shown(line: &str) -> String {
        let owned = OwnedArgs::collect(line.split(' ').map(str::as_bytes).collect::<Vec<_>>());
        let args = owned.as_args();
        let name = ["ACL", "CONFIG"].contains(&line.split(' ').next().unwrap_or_default());
        let name = line.splitn(3, ' ').take(1 + usize::from(name)).collect::<Vec<_>>().join("|");
        let (_, spec) = CATALOG.find(name.as_bytes()).expect("a command");
        let words = words(spec, args).unwrap_or(owned.clone());
        String::from_utf8(words.as_args().iter().collect::<Vec<_>>().join(&b' ')).expect("text")
    }

    #[test]
    fn secrets_are_hidden() {
        let cases = [
            ("AUTH secret", "AUTH (redacted)"),
            ("AUTH u secret", "AUTH (redacted) (redacted)"),
            ("AUTH u se cret", "AUTH (redacted) (redacted) (redacted)"),
            ("HELLO 3 AUTH u p SETNAME n", "HELLO 3 AUTH (redacted) (redacted) SETNAME n"),
            ("HELLO 3 SETNAME auth auth u p", "HELLO 3 SETNAME auth auth (redacted) (redacted)"),
            ("HELLO 3 AUTH u", "HELLO 3 AUTH (redacted)"),
            ("ACL SETUSER u >p", "ACL SETUSER (redacted) (redacted)"),
            ("ACL GENPASS 8", "ACL GENPASS 8"),
            (
                "CONFIG SET RequirePass p maxmemory 0 maxmemory requirepass",
                "CONFIG SET RequirePass (redacted) maxmemory 0 maxmemory requirepass",
            ),
            ("GET requirepass", "GET requirepass"),
        ];
        for (line, expected) in cases {
            assert_eq!(shown(line), expected);
        }
    }
}
