//! Everything that is only looked at.

use crate::server::Server;
use serde_json::{Value as Json, json};

/// Five orders, three of them delivered to ann, one of these twice.
fn orders(server: &Server) {
    server.call("XGROUP CREATE orders shop 0 MKSTREAM");
    for n in 1..=5 {
        server.call(&format!("XADD orders {n}-0 n {n} item tea{n}"));
    }
    server.call("XREADGROUP GROUP shop ann COUNT 3 STREAMS orders >");
    server.call("XCLAIM orders shop ann 0 2-0");
}

fn ids(answer: &Json, of: &str) -> Vec<String> {
    answer[of].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn streams_and_groups() {
    let server = Server::start();
    orders(&server);
    server.call("SET text 1");
    let list = server.json("/streams");
    assert_eq!((&list["cursor"], list["streams"].as_array().unwrap().len()), (&json!("0"), 1));
    let row = &list["streams"][0];
    let want = json!({
        "name": "orders", "length": 5, "groups": 1, "pending": 3, "lag": 2, "consumers": 1,
        "first_id": "1-0", "last_id": "5-0", "last_added_at": null, "is_dead_letters": false,
    });
    want.as_object().unwrap().iter().for_each(|(name, value)| assert_eq!(&row[name], value, "{name}"));
    assert!(row["memory"].as_i64().unwrap() > 0 && row["oldest_pending_ms"].is_i64());
    assert_eq!(server.json("/streams?match=x*")["streams"], json!([]));

    let one = server.json("/streams/orders");
    assert_eq!((&one["entries_added"], &one["max_deleted_id"]), (&json!(5), &json!("0-0")));
    let groups = server.json("/streams/orders/groups");
    assert_eq!((&one["groups"][0]["name"], &groups["groups"][0]["name"]), (&json!("shop"), &json!("shop")));
    let group = server.json("/streams/orders/groups/shop");
    let want = json!({"name": "shop", "pending": 3, "lag": 2, "entries_read": 3, "last_delivered_id": "3-0", "released": 0});
    want.as_object().unwrap().iter().for_each(|(name, value)| assert_eq!(&group[name], value, "{name}"));
    assert_eq!(
        (&group["consumers"][0]["name"], &group["consumers"][0]["pending"]),
        (&json!("ann"), &json!(3))
    );
    assert!(group["findings"].is_array() && group["health"].is_string());
}

#[test]
fn groups_that_need_attention() {
    let server = Server::start();
    orders(&server);
    server.call("XADD quiet 1-0 n 1");
    server.call("XGROUP CREATE quiet done $");
    server.call("XGROUP CREATE quiet abandoned 0");
    let found = server.json("/attention");
    let [abandoned] = found["groups"].as_array().unwrap().as_slice() else { panic!("{found}") };
    // Nobody reads for it; what ann holds is still in work, and the others have nothing to do.
    let want = json!({"stream": "quiet", "name": "abandoned", "health": "stuck", "lag": 1, "released": 0});
    want.as_object().unwrap().iter().for_each(|(name, value)| assert_eq!(&abandoned[name], value, "{name}"));
    assert!(abandoned["title"].is_string());
}

#[test]
fn what_is_not_there() {
    let server = Server::start();
    orders(&server);
    server.call("SET text 1");
    let cases = [
        ("/streams/none", 404, "ERR"),
        ("/streams/text", 409, "WRONGTYPE"),
        ("/streams/none/entries", 404, "ERR"),
        ("/streams/orders/entries/9-9", 404, "NOT_FOUND"),
        ("/streams/orders/groups/none", 404, "NOGROUP"),
        ("/streams/orders/groups/none/pending", 404, "NOGROUP"),
        ("/streams/text/tail", 409, "WRONGTYPE"),
        ("/streams/orders/entries/x", 422, "ERR"),
        ("/streams/orders/entries?count=x", 400, "BAD_REQUEST"),
        ("/streams?db=99", 422, "ERR"),
        ("/series?name=nosuch", 404, "NOT_FOUND"),
        ("/series", 400, "BAD_REQUEST"),
        ("/series?name=stream/none/length", 404, "ERR"),
        ("/nosuch", 404, "NOT_FOUND"),
        ("", 404, "NOT_FOUND"),
        ("/login", 405, "METHOD"),
    ];
    for (path, status, code) in cases {
        let answer = server.get(path);
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{path}: {answer:?}");
    }
    assert_eq!(server.get("/streams/none").json()["error"]["message"], "ERR no such key");
}

#[test]
fn entries_by_pages_and_filters() {
    let server = Server::start();
    orders(&server);
    let page = server.json("/streams/orders/entries?count=2");
    assert_eq!(ids(&page, "entries"), ["5-0", "4-0"]);
    assert_eq!(page["entries"][0]["fields"], json!([["n", "5"], ["item", "tea5"]]));
    assert_eq!(page["next"], "(4-0");
    let page = server.json("/streams/orders/entries?count=3&to=(4-0");
    assert_eq!((ids(&page, "entries").join(" "), &page["next"]), ("3-0 2-0 1-0".to_owned(), &Json::Null));
    let page = server.json("/streams/orders/entries?newest=0&count=2&from=2-0");
    assert_eq!((ids(&page, "entries").join(" "), &page["next"]), ("2-0 3-0".to_owned(), &json!("(3-0")));
    let page = server.json("/streams/orders/entries?newest=0&since=2&until=3");
    assert_eq!(ids(&page, "entries"), ["2-0", "3-0"]);
    assert_eq!(ids(&server.json("/streams/orders/entries?field=n&value=4"), "entries"), ["4-0"]);
    assert_eq!(ids(&server.json("/streams/orders/entries?contains=ea2"), "entries"), ["2-0"]);
    assert_eq!(server.json("/streams/orders/entries/3-0")["fields"][0], json!(["n", "3"]));
}

#[test]
fn a_search_reads_only_so_much() {
    let server = Server::start();
    let add = |n: u64| ["XADD", "long", &format!("{n}-0"), "n", &n.to_string()].map(str::to_owned).to_vec();
    server.client().call_all(&(1..=12_345).map(add).collect::<Vec<_>>()).unwrap();
    let first = server.json("/streams/long/entries?field=n&value=7");
    assert_eq!(
        (&first["entries"], &first["scanned"], &first["next"]),
        (&json!([]), &json!(10_000), &json!("(2346-0"))
    );
    let second = server.json("/streams/long/entries?field=n&value=7&to=(2346-0");
    assert_eq!(ids(&second, "entries"), ["7-0"]);
    assert_eq!((&second["scanned"], &second["next"]), (&json!(2345), &Json::Null));
    // All of them, page by page, each once.
    let (mut all, mut to) = (Vec::new(), "%2B".to_owned());
    loop {
        let page = server.json(&format!("/streams/long/entries?count=1000&to={to}"));
        all.extend(ids(&page, "entries"));
        match page["next"].as_str() {
            Some(next) => to = next.to_owned(),
            None => break,
        }
    }
    let want: Vec<String> = (1..=12_345).rev().map(|n| format!("{n}-0")).collect();
    assert_eq!(all, want);
}

#[test]
fn pending_entries_with_their_payload() {
    let server = Server::start();
    orders(&server);
    server.call("XNACK orders shop FAIL IDS 1 3-0");
    server.call("XDEL orders 1-0");
    let all = server.json("/streams/orders/groups/shop/pending");
    let rows = all["pending"].as_array().unwrap();
    assert_eq!(ids(&all, "pending"), ["1-0", "2-0", "3-0"]);
    assert_eq!((&rows[0]["fields"], &rows[0]["consumer"]), (&Json::Null, &json!("ann")));
    assert_eq!((&rows[1]["fields"][0], &rows[1]["deliveries"]), (&json!(["n", "2"]), &json!(2)));
    assert_eq!((&rows[2]["consumer"], &rows[2]["idle_ms"]), (&Json::Null, &Json::Null));
    let page = server.json("/streams/orders/groups/shop/pending?count=2&payload=0");
    assert_eq!((ids(&page, "pending").len(), &page["next"]), (2, &json!("(2-0")));
    assert!(page["pending"][0].get("fields").is_none());
    let rest = server.json("/streams/orders/groups/shop/pending?from=(2-0");
    assert_eq!((ids(&rest, "pending").join(" "), &rest["next"]), ("3-0".to_owned(), &Json::Null));
    let often = server.json("/streams/orders/groups/shop/pending?min_deliveries=2&consumer=ann");
    assert_eq!(ids(&often, "pending"), ["2-0"]);
    // What was released waits for anybody who claims, however long they want it to have waited.
    let idle = server.json("/streams/orders/groups/shop/pending?min_idle=3600000");
    assert_eq!(ids(&idle, "pending"), ["3-0"]);
    assert_eq!(server.json("/streams/orders/groups/shop")["released"], 1);
}

#[test]
fn names_of_any_bytes() {
    let server = Server::start();
    let mut client = server.client();
    let (key, group, consumer) = (&b"a/b \xff?"[..], &b"g\x00\xfe"[..], &b"c\xfd"[..]);
    client.call(&[&b"XADD"[..], key, b"1-0", b"f\xff", b"v\xfe"]).unwrap();
    client.call(&[&b"XGROUP"[..], b"CREATE", key, group, b"0"]).unwrap();
    client.call(&[&b"XREADGROUP"[..], b"GROUP", group, consumer, b"STREAMS", key, b">"]).unwrap();
    let name = json!({ "base64": "YS9iIP8/" });
    assert_eq!(server.json("/streams")["streams"][0]["name"], name);
    let path = "/streams/a%2Fb%20%FF%3F";
    assert_eq!(server.json(path)["name"], name);
    let field = json!([{ "base64": "Zv8=" }, { "base64": "dv4=" }]);
    assert_eq!(server.json(&format!("{path}/entries"))["entries"][0]["fields"][0], field);
    assert_eq!(server.json(&format!("{path}/entries?field=f%ff&value=v%fe"))["scanned"], 1);
    let pending = server.json(&format!("{path}/groups/g%00%fe/pending?consumer=c%fd"));
    assert_eq!(pending["pending"][0]["consumer"], json!({ "base64": "Y/0=" }));
    let action = json!({"action": "ack", "stream": name, "group": {"base64": "ZwD+"}, "filter": {"consumer": {"base64": "Y/0="}}});
    let done = server.act(&action);
    assert_eq!(
        (&done["affected"], &done["commands"][0]),
        (&json!(1), &json!(r#"XACK "a/b \xff?" "g\x00\xfe" 1-0"#))
    );
}

#[test]
fn dead_letters() {
    let server = Server::start();
    for n in 1..=3 {
        server.call(&format!(
            "XADD orders:dead {n}-0 item tea{n} dead-letter-reason failed dead-letter-error boom dead-letter-stream orders \
             dead-letter-group shop dead-letter-consumer ann dead-letter-id {n}-0 dead-letter-deliveries 5"
        ));
    }
    server.call("XADD orders:dead 4-0 strange thing");
    let row = &server.json("/dead")["streams"][0];
    assert_eq!(
        (&row["name"], &row["length"], &row["sampled"]),
        (&json!("orders:dead"), &json!(4), &json!(false))
    );
    assert_eq!(row["sources"][1], json!({"stream": "orders", "group": "shop", "count": 3}));
    assert_eq!(row["reasons"], json!([{"reason": "", "count": 1}, {"reason": "failed", "count": 3}]));
    let entries = server.json("/dead/orders:dead/entries");
    let want = json!({"reason": "failed", "error": "boom", "stream": "orders", "group": "shop", "consumer": "ann", "id": "3-0", "deliveries": 5});
    assert_eq!(entries["entries"][1]["dead"], want);
    assert_eq!(entries["entries"][0]["dead"]["stream"], Json::Null);
}

#[test]
fn the_server_itself() {
    let server = Server::start_with(&["--requirepass", ""]);
    orders(&server);
    server.until("totals", || !server.json("/overview")["totals"].is_null());
    server.until("the count is of now", || server.json("/overview")["totals"]["pending"] == 3);
    let overview = server.json("/overview");
    assert_eq!(overview["server"]["port"], server.port);
    assert_eq!(
        (&overview["keys"], &overview["server"]["loading"]),
        (&json!([{"db": 0, "keys": 1}]), &json!(false))
    );
    assert_eq!(overview["totals"]["streams"], 1);
    server.until("rates", || server.json("/overview")["ops_per_second"].is_number());
    let names = ["ops", "net_in", "net_out", "memory", "clients", "blocked"];
    let query: String = names.iter().map(|name| format!("&name={name}")).collect();
    let series = server.json(&format!("/series?points=5{query}"));
    assert_eq!(series["series"].as_array().unwrap().len(), names.len());
    server.until("a curve", || {
        let curve = server.json("/series?name=stream/orders/length&points=3");
        curve["values"].as_array().unwrap().len() == 3 && curve["values"][2] == 5.0
    });
    // The minute under way is not a point yet, unless it ended just now.
    let minutes = &server.json("/series?name=group/orders/shop/pending&step=1m&points=2")["values"];
    assert!(*minutes == json!([null, null]) || *minutes == json!([null, 3.0]), "{minutes}");

    server.call("CONFIG SET slowlog-log-slower-than 0");
    server.call("XLEN orders");
    let slow = server.json("/slowlog?count=10");
    assert!(
        slow["entries"].as_array().unwrap().iter().any(|one| one["words"] == json!(["XLEN", "orders"])),
        "{slow}"
    );
    let mut named = server.client();
    named.call(&["CLIENT", "SETNAME", "ann"]).unwrap();
    let clients = server.json("/clients");
    let ann = clients["clients"].as_array().unwrap().iter().find(|one| one["name"] == "ann").unwrap().clone();
    assert_eq!(ann["all"]["id"], ann["id"].to_string());
    let config = server.json("/config?match=maxmemory");
    assert_eq!(config["parameters"], json!([{"name": "maxmemory", "value": "0", "mutable": true}]));
    assert_eq!(server.json("/config?match=port")["parameters"][0]["mutable"], false);
}

#[test]
fn databases() {
    let server = Server::start();
    let mut client = server.client();
    client.call(&["SELECT", "3"]).unwrap();
    client.call(&["XADD", "there", "1-0", "a", "b"]).unwrap();
    assert_eq!(server.json("/streams")["streams"], json!([]));
    assert_eq!(server.json("/streams?db=3")["streams"][0]["name"], "there");
    assert_eq!(server.get("/streams/there").status, 404);
    assert_eq!(server.json("/streams/there?db=3")["length"], 1);
    server.act(&json!({"action": "add", "db": 3, "stream": "there", "fields": [["a", "c"]]}));
    assert_eq!(server.json("/streams/there/entries?db=3")["entries"].as_array().unwrap().len(), 2);
}
