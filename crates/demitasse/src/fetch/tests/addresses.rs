use crate::fetch::{FetchError, FetchPolicy, GuardedClient};

use FetchError::{Denied, Invalid, Port, Scheme, UserInfo};

/// Hosts that must be refused without asking anybody.
#[rustfmt::skip]
const PRIVATE: &[&str] = &[
    // loopback, in every notation that a browser takes
    "127.0.0.1", "127.0.0.1.", "127.255.255.254", "127.1", "127.0.1", "2130706433", "017700000001",
    "0x7f000001", "0x7F.1", "0x7f.0.0.1", "0177.0.0.1", "0177.0.0.01", "00000177.1", "0x7f.0x0.0x0.0x1",
    "%31%32%37.0.0.1", "127%2e0%2e0%2e1", "127。0。0。1", "①②⑦.0.0.1", "１２７.0.0.1", "[::1]",
    "[0:0:0:0:0:0:0:1]", "[0000::0001]",
    // the machine itself
    "0.0.0.0", "0", "0x0", "0.1.2.3", "[::]",
    // private networks
    "10.0.0.1", "10.255.255.255", "167772161", "012.0.0.1", "172.16.0.1", "172.31.255.255",
    "0xac100001", "192.168.0.1", "192.168.257", "3232235521", "[fc00::1]", "[fd12:3456:789a::1]",
    "[fec0::1]",
    // carrier-grade NAT
    "100.64.0.1", "100.127.255.255", "100.100.100.200",
    // link-local and metadata services
    "169.254.0.1", "169.254.169.254", "2852039166", "0xa9fea9fe", "0251.0376.0251.0376",
    "169.254.43518", "192.0.0.192", "168.63.129.16", "[fe80::1]", "[febf::1]", "[fd00:ec2::254]",
    // protocol assignments, documentation, benchmarks, relays
    "192.0.0.1", "192.0.2.1", "198.51.100.7", "203.0.113.9", "198.18.0.1", "198.19.255.255",
    "192.88.99.1", "[2001:db8::1]", "[3fff::1]", "[2001:2::1]", "[2001:10::1]", "[2001:20::1]",
    "[100::1]", "[5f00::1]", "[3ffe::1]",
    // multicast, reserved, broadcast
    "224.0.0.1", "239.255.255.250", "240.0.0.1", "254.1.2.3", "255.255.255.255", "[ff02::1]",
    "[ff0e::1]",
    // IPv4 inside IPv6, public ones too
    "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::ffff:10.0.0.1]", "[::FFFF:169.254.169.254]",
    "[::ffff:8.8.8.8]", "[::127.0.0.1]", "[::7f00:1]", "[64:ff9b::7f00:1]", "[64:ff9b::10.0.0.1]",
    "[64:ff9b::8.8.8.8]", "[64:ff9b:1::a00:1]", "[2002:7f00:1::]", "[2002:c0a8:1::1]",
    "[2001:0:7f00:1::1]", "[2606:4700::5efe:10.0.0.1]", "[2606:4700::200:5efe:10.0.0.1]",
    "[::ffff:0:127.0.0.1]",
    // names that lead nowhere public
    "localhost", "LOCALHOST",
];

#[rustfmt::skip]
const PRIVATE_NAMES: &[&str] = &[
    "localhost.", "LocalHost.", "%6cocalhost", "ｌｏｃａｌｈｏｓｔ", "app.localhost", "app.localhost.",
    "printer.local", "metadata.google.internal", "METADATA.GOOGLE.INTERNAL.", "nas.home.arpa",
    "intranet", "redis", "db.", "a.test", "facebookcorewwwi.onion", "loopback", "router.invalid",
];

/// Hosts that may be connected to.
#[rustfmt::skip]
const PUBLIC: &[&str] = &[
    "1.1.1.1", "8.8.8.8", "134744072", "0x08080808", "010.010.010.010", "9.255.255.255", "11.0.0.0",
    "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0", "169.253.255.255", "169.255.0.0",
    "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.167.255.255", "192.169.0.0", "198.17.255.255",
    "198.20.0.0", "223.255.255.255", "[2606:4700:4700::1111]", "[2a00:1450:4001:80b::200e]",
    "[2001:4860:4860::8888]", "[2003::1]", "fcm.googleapis.com", "updates.push.services.mozilla.com.",
    "EXAMPLE.com", "bücher.example.com", "localhost.example.com",
];

fn check(url: &str) -> Result<(), FetchError> {
    GuardedClient::new(FetchPolicy::default()).check(url).map(|_| ())
}

#[test]
fn an_address_that_is_not_on_the_public_internet_is_refused_in_every_notation() {
    for host in PRIVATE.iter().chain(PRIVATE_NAMES) {
        assert_eq!(check(&format!("https://{host}/a.png")), Err(Denied), "{host}");
        assert_eq!(check(&format!("https://{host}:443/a.png")), Err(Denied), "{host}:443");
    }
}

#[test]
fn an_address_on_the_public_internet_is_permitted() {
    for host in PUBLIC {
        assert_eq!(check(&format!("https://{host}/a.png")), Ok(()), "{host}");
    }
}

#[test]
fn what_is_no_plain_https_address_is_refused_by_cause() {
    for (url, cause) in [
        ("", Invalid),
        ("a.png", Invalid),
        ("//example.com/a.png", Invalid),
        ("https://", Invalid),
        ("https://256.0.0.1/", Invalid),
        ("https://1.2.3.4.5/", Invalid),
        ("https://0x7g.1/", Invalid),
        ("https://[fe80::1%25eth0]/", Invalid),
        ("https://[::1/", Invalid),
        ("https://exa mple.com/", Invalid),
        ("https://example.com:99999/", Invalid),
        ("http://example.com/", Scheme),
        ("ftp://example.com/", Scheme),
        ("gopher://example.com:443/", Scheme),
        ("file:///etc/passwd", Scheme),
        ("data:image/png;base64,AAAA", Scheme),
        ("javascript:alert(1)", Scheme),
        ("unix:/run/docker.sock", Scheme),
        ("https://user@example.com/", UserInfo),
        ("https://user:secret@example.com/", UserInfo),
        ("https://:secret@example.com/", UserInfo),
        ("https://example.com@127.0.0.1/", UserInfo),
        ("https://example.com:80/", Port),
        ("https://example.com:22/", Port),
        ("https://example.com:8443/", Port),
    ] {
        assert_eq!(check(url), Err(cause), "{url}");
    }
    // The parser reads these as browsers do: a backslash ends the host, a tab is no character.
    assert_eq!(check("https:\\\\127.0.0.1\\@example.com/"), Err(Denied));
    assert_eq!(check("https://127.0.0\t.1/"), Err(Denied));
    assert_eq!(check("https:127.0.0.1"), Err(Denied));
}

#[test]
fn the_operator_can_permit_networks_hosts_and_origins() {
    let allow = ["10.1.0.0/16", "fd00::/8", "192.168.7.7", "hooks.intranet", "http://push.internal:8080"];
    let allow = allow.map(|entry| entry.parse().unwrap()).to_vec();
    let client = GuardedClient::new(FetchPolicy { allow, ..FetchPolicy::default() });
    for (url, verdict) in [
        ("https://10.1.2.3/", Ok(())),
        ("https://0x0a010203/", Ok(())),
        ("https://10.2.0.1/", Err(Denied)),
        ("https://[::ffff:10.1.2.3]/", Err(Denied)),
        ("https://10.1.2.3:8080/", Err(Port)),
        ("http://10.1.2.3/", Err(Scheme)),
        ("https://[fd00::7]/", Ok(())),
        ("https://192.168.7.7/", Ok(())),
        ("https://192.168.7.8/", Err(Denied)),
        ("https://HOOKS.intranet./", Ok(())),
        ("https://x.hooks.intranet.internal/", Err(Denied)),
        ("http://push.internal:8080/anything", Ok(())),
        ("http://push.internal:8081/", Err(Scheme)),
        ("https://push.internal:8080/", Err(Port)),
        ("https://push.internal/", Err(Denied)),
        ("http://user@push.internal:8080/", Err(UserInfo)),
    ] {
        assert_eq!(client.check(url).map(|_| ()), verdict, "{url}");
    }
}

#[test]
fn a_permission_that_cannot_be_read_says_what_it_could_be() {
    for entry in [
        "",
        "10.0.0.0/33",
        "*.example.com",
        "example.com/path",
        "http://a.b/path",
        "ftp://a.b",
        "a b",
        "host:80",
    ] {
        let mistake = entry.parse::<crate::fetch::FetchAllow>().unwrap_err();
        assert!(mistake.contains("is none of a network"), "{entry}: {mistake}");
    }
}
