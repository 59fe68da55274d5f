import Testing

@testable import PostgresClient

@Suite("The URL of a PostgreSQL database") struct PostgresEndpointTests {
    private func read(_ text: String) -> Result<PostgresEndpoint, PostgresURLError> {
        Result { () throws(PostgresURLError) in try PostgresEndpoint(parsing: text) }
    }

    private func problem(_ text: String) -> String? {
        guard case .failure(let error) = read(text) else { return nil }
        return error.description
    }

    @Test("names host, port, user, password and database")
    func parts() throws {
        let endpoint = try read("postgres://ann:se%20c%2Fret@db.example:6432/shop").get()
        #expect(endpoint.hosts == [.init("db.example", 6432)])
        #expect(endpoint.user == "ann")
        #expect(endpoint.password?.revealed == "se c/ret")
        #expect(endpoint.database == "shop")
        #expect(endpoint.description == "db.example:6432/shop")
        #expect(try read("postgresql://[::1]/shop").get().hosts == [.init("::1", 5432)])
    }

    @Test("may name several hosts, of which the one that takes writes is used")
    func severalHosts() throws {
        let endpoint = try read("postgres://a:1,b,[2001:db8::1]:2/shop").get()
        #expect(endpoint.hosts == [.init("a", 1), .init("b", 5432), .init("2001:db8::1", 2)])
        let options = Dictionary(uniqueKeysWithValues: endpoint.options.map { ($0.name, $0.value) })
        #expect(options["target_session_attrs"] == "read-write")
        #expect(options["host"] == "a,b,2001:db8::1")
        #expect(options["port"] == "1,5432,2")
        let said = try read("postgres://a:1,b/shop?target_session_attrs=read-write").get()
        #expect(said.hosts == [.init("a", 1), .init("b", 5432)])
        #expect(problem("postgres://a,b/shop?target_session_attrs=any")?.contains("use read-write") == true)
    }

    @Test("is asked host by host, the one that is named first, each for its own name and for writes")
    func alone() throws {
        let endpoint = try read("postgres://a:1,b/shop").get()
        let one = endpoint.alone(first: nil)
        #expect(one.map(\.hosts) == [[.init("a", 1)], [.init("b", 5432)]])
        #expect(
            endpoint.alone(first: .init("b", 5432)).map(\.hosts) == [[.init("b", 5432)], [.init("a", 1)]])
        for part in one {
            let options = Dictionary(uniqueKeysWithValues: part.options.map { ($0.name, $0.value) })
            #expect(options["target_session_attrs"] == "read-write")
            #expect(options["sslmode"] == "verify-full")
        }
        let single = try read("postgres://a/shop").get().alone(first: nil)[0]
        #expect(single.options.contains { $0 == ("target_session_attrs", "any") })
    }

    @Test("may name the folder of a Unix socket")
    func socket() throws {
        let endpoint = try read("postgres://ann@/shop?host=/run/postgresql").get()
        #expect(endpoint.hosts == [.init("/run/postgresql", 5432)])
        #expect(endpoint.tls.mode == .prefer)
    }

    @Test(
        "asks for a certificate with the host's name where the server is on another machine",
        arguments: [
            ("db.example", PostgresTLS.Mode.verifyName), ("10.0.0.1", .verifyName),
            ("localhost.example", .verifyName),
            ("localhost", .prefer), ("127.0.0.1", .prefer), ("[::1]", .prefer), ("localhost,db", .verifyName),
        ])
    func standardMode(host: String, mode: PostgresTLS.Mode) throws {
        #expect(try read("postgres://\(host)/shop").get().tls.mode == mode)
    }

    @Test("takes another sslmode by name")
    func modes() throws {
        for mode in PostgresTLS.Mode.allCases where mode != .prefer {
            #expect(try read("postgres://db/shop?sslmode=\(mode.rawValue)").get().tls.mode == mode)
        }
        #expect(problem("postgres://db/shop?sslmode=prefer")?.contains("verify-full") == true)
        #expect(problem("postgres://db/shop?sslmode=maybe")?.contains("maybe") == true)
    }

    @Test(
        "is refused with a sentence that does not hold the password",
        arguments: [
            "postgres:", "mysql://u:hidden@h/d", "postgres://u:hidden@h", "postgres://u:hidden@h/",
            "postgres://u:hidden@/d", "postgres://u:hidden@h:0/d", "postgres://u:hidden@h:65536/d",
            "postgres://u:hid/den@h/d", "postgres://u:hid%zzden@h/d", "postgres://u:hidden@h/d?port=1",
            "postgres://u:hidden@h/d?sslrootcert=/nowhere", "postgres://u:hidden@h/d?host=/run",
            "postgres://u:hid%00den@h/d", "postgres://u:hidden/d", "postgres://u:hidden@h/a/b",
        ])
    func refused(text: String) {
        let sentence = problem(text)
        #expect(sentence != nil)
        #expect(
            sentence?.contains("hidden") == false && sentence?.contains("den") != true, "\(sentence ?? "")")
    }

    @Test("prints no password")
    func redacted() throws {
        let endpoint = try read("postgres://ann:hidden@h/d").get()
        var dumped = ""
        dump(endpoint, to: &dumped)
        #expect(!dumped.contains("hidden") && !"\(endpoint)".contains("hidden"))
    }
}
