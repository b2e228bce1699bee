use super::Target;

fn shown(url: &str) -> String {
    url.parse::<Target>().unwrap_or_else(|error| panic!("{url}: {error}")).to_string()
}

#[test]
fn good_ones_say_who_is_spoken_to_and_no_password() {
    for (url, want) in [
        ("memory:", "memory:"),
        ("memory://", "memory:"),
        ("ackline:///var/lib/ackline", "ackline:///var/lib/ackline"),
        ("ackline:/var/lib", "ackline:///var/lib"),
        ("ackline:./data", "ackline:./data"),
        ("ackline:data/of%20mine", "ackline:data/of mine"),
        ("redis://localhost", "redis://localhost:6379/0"),
        ("REDIS://localhost/", "redis://localhost:6379/0"),
        ("redis://10.0.0.1:7000/3", "redis://10.0.0.1:7000/3"),
        ("redis://[::1]", "redis://[::1]:6379/0"),
        ("redis://[fe80::1]:7000", "redis://[fe80::1]:7000/0"),
        ("redis://me:secret@h", "redis://me:***@h:6379/0"),
        ("redis://:secret@h", "redis://:***@h:6379/0"),
        ("redis://:a%40b%2Fc@h", "redis://:***@h:6379/0"),
        ("redis://:a@b@h", "redis://:***@h:6379/0"),
        ("valkey://h:1", "redis://h:1/0"),
        ("rediss://h", "rediss://h:6379/0"),
        ("valkeys://h", "rediss://h:6379/0"),
        ("rediss://h?ca=/ca.pem&cert=c&key=k&insecure=false", "rediss://h:6379/0"),
        ("redis+unix:///run/redis.sock", "redis+unix:///run/redis.sock?db=0"),
        ("unix:///run/redis.sock?db=2", "redis+unix:///run/redis.sock?db=2"),
        ("redis+unix://me:secret@/run/s", "redis+unix://me:***@/run/s?db=0"),
        ("redis+sentinel://h/main", "redis+sentinel://h:26379/main/0"),
        ("redis+sentinel://u:p@a,b:1/main/2", "redis+sentinel://u:***@a:26379,b:1/main/2"),
        ("redis+sentinel://a/main?sentinel_password=p", "redis+sentinel://a:26379/main/0"),
        ("rediss+sentinel://a/main?ca=x", "rediss+sentinel://a:26379/main/0"),
        ("redis+cluster://a,b:7001,[::1]:7002", "redis+cluster://a:6379,b:7001,[::1]:7002/0"),
        ("rediss+cluster://:p@a:7000?insecure=true", "rediss+cluster://:***@a:7000/0"),
        ("valkey+cluster://a", "redis+cluster://a:6379/0"),
    ] {
        assert_eq!(shown(url), want, "{url}");
        let debugged = format!("{:?}", url.parse::<Target>().unwrap());
        assert!(!debugged.contains("secret"), "{debugged}");
    }
}

#[test]
fn bad_ones_say_why() {
    for (url, want) in [
        ("", "a URL begins with"),
        ("localhost", "a URL begins with"),
        ("localhost:6379", "the scheme \"localhost\""),
        ("http://h", "the scheme \"http\""),
        ("redis+ssh://h", "the scheme \"redis+ssh\""),
        ("rediss+unix:///s", "the scheme \"rediss+unix\""),
        ("memory:x", "nothing stands behind"),
        ("ackline:", "a directory is missing"),
        ("ackline://relative", "ackline:./relative"),
        ("ackline:///d?sync=no", "no parameters"),
        ("redis:h", "// is missing"),
        ("redis://", "a host is missing"),
        ("redis:///1", "a host is missing"),
        ("redis://h:", "no valid port"),
        ("redis://:6379", "a host is missing"),
        ("redis://h:0", "no valid port"),
        ("redis://h:70000", "no valid port"),
        ("redis://a,b:1", "is no host"),
        ("redis://[::1", "] is missing"),
        ("redis://[h]", "no address between"),
        ("redis://[::1]6379", "no valid port"),
        ("redis://h/x", "not the number of a database"),
        ("redis://h/-1", "not the number of a database"),
        ("redis://me@h", "a user comes with a password"),
        ("redis://h?db=1", "no parameter \"db\""),
        ("redis://h?protocol=resp3", "no parameter \"protocol\""),
        ("redis://h?insecure=true", "is for TLS"),
        ("rediss://h?insecure=yes", "true or false"),
        ("rediss://h?cert=c", "belong together"),
        ("rediss://h#insecure", "no fragment"),
        ("redis://:%ff@h", "not UTF-8"),
        ("redis+unix://path", "is absolute"),
        ("redis+unix://", "is absolute"),
        ("redis+sentinel://h", "name of the service"),
        ("redis+sentinel://h/s/x", "not the number of a database"),
        ("redis+cluster://a,,b", "a host is missing"),
    ] {
        let error = url.parse::<Target>().expect_err(url).to_string();
        assert!(error.contains(want), "{url}: {error}");
    }
}

#[test]
fn errors_show_no_password() {
    for url in [
        "redis://me:secret@h:x",
        "redis://:secret@",
        "redis://:half/secret@h",
        "redis://:half#secret@h",
        "redis://:half?secret@h",
        "redis://:half@secret@h/x",
        "redis+sentinel://h?sentinel_password=secret",
        "redis+sentinel://h/s?sentinel_passwd=secret",
        "redis://u:a@secret/secret@h",
        "redis://u:a@h?secret@h",
        "nothing://me:secret@h",
        "me:secret@h",
    ] {
        let error = url.parse::<Target>().expect_err(url).to_string();
        assert!(!error.contains("secret") && error.contains("***"), "{url}: {error}");
    }
}

#[test]
fn what_is_escaped_is_what_was_meant() {
    let Target::Remote(remote) = "rediss://m%3Ae:a%40b%2Fc+d@h?ca=/a%20b/ca+1.pem".parse().unwrap() else {
        panic!("a server");
    };
    assert_eq!(remote.login.user.as_deref(), Some("m:e"));
    assert_eq!(remote.login.password.unwrap().0, "a@b/c+d");
    assert_eq!(remote.tls.unwrap().ca.unwrap().to_str(), Some("/a b/ca+1.pem"));
}
