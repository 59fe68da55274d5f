import BenchResults
import BenchStatistics
import Testing

@testable import BenchAudit

@Suite("The audit of a trial")
struct AuditTests {
    private static func with(_ change: (inout AuditFacts) -> Void) -> AuditFacts {
        var facts = clean
        change(&facts)
        return facts
    }

    private static func red(_ facts: AuditFacts) -> [String] {
        Audit.checks(facts).filter { $0.state == .fail }.map(\.id)
    }

    /// Each fault, and what must turn red by it.
    static let faults: [(name: String, facts: AuditFacts, red: [String])] = [
        (
            "a 200 without a row",
            with {
                $0.answers.success += 1
                $0.server?.sold = 601
            }, ["answers-are-rows"]
        ),
        (
            "a row without a 200, which the server knows of", with { $0.answers.success -= 1 },
            ["answers-are-rows", "server-counted-sales"]
        ),
        (
            "more rows than unknown answers explain",
            with {
                $0.answers.success -= 3
                $0.answers.unknown = 2
            }, ["answers-are-rows", "server-counted-sales"]
        ),
        ("a sale that the product did not count", with { $0.ledger?.sold -= 1 }, ["rows-are-sold"]),
        ("a decrement that was lost", with { $0.redis?.stock += 1 }, ["stock-is-conserved"]),
        ("a unit that vanished", with { $0.redis?.stock -= 1 }, ["stock-is-conserved"]),
        (
            "a reservation that holds a unit which was sold", with { $0.redis?.openUnits = 1 },
            ["stock-is-conserved"]
        ),
        (
            "stock below zero",
            with {
                $0.redis?.stock = -1
                $0.redis?.openUnits = 401
            }, ["stock-not-negative"]
        ),
        (
            "more sold than supplied",
            with {
                $0.answers.success = 1001
                $0.server?.sold = 1001
                $0.ledger = .init(rows: 1001, units: 1001, duplicates: 0, supplied: 1000, sold: 1001)
                $0.redis?.stock = -1
            }, ["stock-not-negative", "sold-within-supply", "enough-stock"]
        ),
        (
            "a supply that is not what was put on sale", with { $0.ledger?.supplied = 1001 },
            ["supply-is-initial"]
        ),
        ("a sale that the ledger refused", with { $0.answers.oversellRefused = 1 }, ["nothing-oversold"]),
        ("a reservation with two rows", with { $0.ledger?.duplicates = 1 }, ["no-duplicates"]),
        ("a server that crashed", with { $0.serverEndedWell = false }, ["server-lived"]),
        ("users who did nothing", with { $0.busyShare = 0.97 }, ["littles-law"]),
        ("more work than users", with { $0.busyShare = 1.03 }, ["littles-law"]),
        ("an edge that explains nothing", with { ($0.busyShare, $0.edgeShare) = (1, 0.03) }, ["littles-law"]),
        ("a generator without time", with { $0.generator?.processorShare = 0.95 }, ["generator-processor"]),
        (
            "a generator whose thread is full", with { $0.generator?.processorShare = 1.2 },
            ["generator-processor"]
        ),
        ("a generator that is late", with { $0.generator?.lateness[0].errorMs = 3.1 }, ["generator-lag"]),
        ("a generator that was stopped", with { $0.generator?.stillShare = 0.05 }, ["generator-pauses"]),
        ("too many sockets", with { $0.generator?.sockets = 1000 }, ["generator-sockets"]),
        ("another process than the asked one", with { $0.arrivals?.statistic = 2.5 }, ["arrival-process"]),
        ("a rate that is off by a twentieth", with { $0.arrivals?.count = 2_280 }, ["arrival-count"]),
        ("moments that were rounded to ticks", with { $0.arrivals?.displaced = 0.3 }, ["arrival-gaps"]),
        (
            "a second half that sold half as much",
            with { $0.drift = Drift((0..<40).map { ($0 < 20 ? 100 : 50) + Double($0 % 3) }) }, ["stationary"]
        ),
        ("commands that Redis never saw", with { $0.commands?.seen = 1799 }, ["redis-saw-commands"]),
        ("a reservation that Redis did not count", with { $0.sales?.counted = 599 }, ["redis-counted-sales"]),
        ("a reservation that nobody asked for", with { $0.sales?.counted = 601 }, ["redis-counted-sales"]),
        ("a sale that the server did not count", with { $0.server?.sold = 599 }, ["server-counted-sales"]),
        ("a sale that nobody was told of", with { $0.server?.sold = 601 }, ["server-counted-sales"]),
        (
            "a refusal that the server did not count", with { $0.server?.refused = 19 },
            ["server-counted-refusals"]
        ),
        ("a log that tells of each purchase", with { $0.server?.linesWritten = 620 }, ["quiet-logs"]),
        ("two holders at once", with { $0.heldShare = 1.5 }, ["holds-fit"]),
        ("a grant while another one was inside", with { $0.holds?.overlaps = 1 }, ["holds-overlap"]),
        (
            "a stock near its end",
            with {
                $0.initialStock = 650
                $0.ledger?.supplied = 650
                $0.redis?.stock = 50
            }, ["enough-stock"]
        ),
    ]

    /// Two products that close one by one.
    static let divided = with { facts in
        let halves = AuditFacts.Product(
            number: 1, initialStock: 500, answers: .init(success: 300),
            ledger: .init(rows: 300, units: 300, supplied: 500, sold: 300), redis: .init(stock: 200))
        facts.products = [halves, halves]
        facts.products[1].number = 2
    }

    /// What the sums hide and a product shows.
    static let hidden: [(name: String, change: @Sendable (inout [AuditFacts.Product]) -> Void, red: String)] =
        [
            (
                "a unit of one product sold as one of the other",
                { products in
                    products[0].redis?.stock -= 1
                    products[1].redis?.stock += 1
                }, "stock-is-conserved"
            ),
            (
                "a row under another product",
                { products in
                    products[0].answers.success += 1
                    products[1].answers.success -= 1
                }, "answers-are-rows"
            ),
            (
                "one product that is sold out",
                { products in
                    products[0].initialStock = 310
                    products[0].ledger?.supplied = 310
                    products[0].redis?.stock = 10
                }, "enough-stock"
            ),
        ]

    @Test("sees in a product what the sums over all products hide", arguments: hidden.indices)
    func hiddenInSums(index: Int) {
        #expect(Audit.checks(Self.divided).allSatisfy { $0.state == .pass })
        var facts = Self.divided
        Self.hidden[index].change(&facts.products)
        #expect(Self.red(facts) == [Self.hidden[index].red], "\(Self.hidden[index].name)")
        let check = Audit.checks(facts).first { $0.state == .fail }
        #expect(check?.value.contains("; product 1: ") == true)
    }

    @Test("knows nothing of the whole when it could not read one product")
    func unreadProduct() {
        var facts = Self.divided
        facts.products[1].ledger = nil
        let checks = Audit.checks(facts)
        #expect(checks.first { $0.id == "rows-are-sold" }?.state == .unknown)
        #expect(checks.first { $0.id == "nothing-oversold" }?.state == .pass)
    }

    @Test("of journeys also holds registrations and histories against the ledger")
    func journeys() {
        func red(_ journey: AuditFacts.Journey) -> [String] { Self.red(Self.with { $0.journey = journey }) }
        #expect(red(.init(registered: 10, users: 10)).isEmpty)
        #expect(red(.init(registered: 10, unknown: 2, users: 12)).isEmpty)
        #expect(red(.init(registered: 10, users: 9)) == ["registered-are-users"])
        #expect(red(.init(registered: 10, unknown: 2, users: 13)) == ["registered-are-users"])
        #expect(red(.init(registered: 10, users: 10, missing: 1)) == ["history-shows-purchase"])
    }

    @Test("of a foreign server compares the stock with the answers, and names what it cannot look at")
    func foreign() {
        let facts = Self.with {
            $0.isLedgerHidden = true
            $0.notChecked = ["rows-are-sold": "out of sight"]
        }
        #expect(Self.red(facts).isEmpty)
        let skipped = Audit.checks(facts).filter { $0.state == .notChecked }
        #expect(skipped.map(\.id) == ["rows-are-sold"])
        #expect(skipped.map(\.reason) == ["out of sight"])
        let lost = Self.with {
            $0.isLedgerHidden = true
            $0.redis?.stock = 401
        }
        #expect(Self.red(lost).contains("answers-left-stock"))
    }

    @Test("passes when everything closes")
    func passes() {
        #expect(Audit.checks(Self.clean).allSatisfy { $0.state == .pass })
    }

    @Test("turns exactly the right checks red", arguments: faults.indices)
    func plantedFault(index: Int) {
        let fault = Self.faults[index]
        #expect(Self.red(fault.facts) == fault.red, "\(fault.name)")
    }

    @Test("has a planted fault for each check that can fail")
    func everyCheckCanFail() {
        let checks = Set(Audit.checks(Self.clean).map(\.id))
        let planted = Set(Self.faults.flatMap(\.red))
        // Nothing sold, and a debug build, are unknown, never red.
        #expect(checks.subtracting(planted) == ["some-success", "release-build"])
    }

    @Test("lets unknown answers explain rows, up to their number", arguments: 0...2)
    func unknown(rows: Int) {
        let facts = Self.with {
            $0.answers.success = 600 - rows
            $0.answers.unknown = 2
        }
        #expect(Self.red(facts).isEmpty)
    }

    @Test("knows nothing without success")
    func nothingSold() {
        let checks = Audit.checks(Self.with { $0.measuredSuccesses = 0 })
        #expect(checks.first { $0.id == "some-success" }?.state == .unknown)
    }

    @Test("knows little of a debug build")
    func debugBuild() {
        let checks = Audit.checks(Self.with { $0.isRelease = false })
        #expect(checks.filter { $0.state != .pass }.map(\.id) == ["release-build"])
        let server = Audit.checks(Self.with { $0.server?.build = "debug" }).first { $0.id == "release-build" }
        #expect(server?.state == .unknown && server?.value == "release, lab-server debug")
    }

    @Test("a stall at an edge of the window is no idle user", arguments: [(1.25, 0.25), (0.82, -0.18)])
    func stallAtAnEdge(share: Double, edges: Double) {
        let checks = Audit.checks(Self.with { ($0.busyShare, $0.edgeShare) = (share, edges) })
        #expect(checks.allSatisfy { $0.state == .pass })
    }

    @Test("leaves out what does not apply: Little's law in an open load, the processor in direct mode")
    func notApplicable() {
        let open = Audit.checks(Self.with { $0.busyShare = nil }).map(\.id)
        #expect(!open.contains("littles-law"))
        let direct = Audit.checks(Self.with { $0.generator?.isAlone = false }).map(\.id)
        #expect(!direct.contains("generator-processor") && !direct.contains("generator-sockets"))
        #expect(direct.contains("generator-pauses"))
        let free = Audit.checks(
            Self.with {
                $0.heldShare = nil
                $0.arrivals = nil
                $0.drift = nil
                $0.commands = nil
                $0.sales = nil
                $0.holds = nil
            }
        ).map(\.id)
        #expect(
            !free.contains {
                [
                    "holds-fit", "arrival-process", "arrival-count", "arrival-gaps", "stationary",
                    "redis-saw-commands",
                    "redis-counted-sales",
                    "holds-overlap",
                ].contains($0)
            })
    }

    @Test("never passes what it could not read")
    func unread() {
        let checks = Audit.checks(
            Self.with {
                $0.ledger = nil
                $0.redis = nil
                $0.generator = nil
                $0.arrivals = .init(toleranceMs: 1)
                $0.commands?.seen = nil
                $0.sales?.counted = nil
            })
        let needy = [
            "generator-processor", "generator-lag", "generator-pauses", "generator-sockets",
            "arrival-process", "arrival-count", "arrival-gaps",
            "redis-saw-commands", "redis-counted-sales", "enough-stock",
            "answers-are-rows", "rows-are-sold", "stock-is-conserved", "stock-not-negative",
            "sold-within-supply", "supply-is-initial", "no-duplicates",
        ]
        for check in checks where needy.contains(check.id) { #expect(check.state == .unknown) }
    }

    @Test(
        "bounds the generator's lateness by the time that it is part of, not by a time of its own",
        arguments: [
            // 100 users whose purchases take 5 ms, 1,000 whose take 150 ms: what was called late, and what
            // is.
            (5.0, 0.9, true), (5, 1.1, false), (20, 2.9, true), (20, 3.1, false), (150, 22, true),
            (150, 23, false),
        ])
    func lateness(valueMs: Double, errorMs: Double, isFine: Bool) {
        let facts = Self.with {
            $0.generator?.lateness = [.init(figure: "p50", valueMs: valueMs, errorMs: errorMs)]
        }
        #expect(Self.red(facts) == (isFine ? [] : ["generator-lag"]))
    }

    @Test("names the figure that the generator's lateness is nearest to spoiling")
    func worstFigure() {
        let facts = Self.with {
            $0.generator?.lateness = [
                .init(figure: "p50", valueMs: 2, errorMs: 0.5),
                .init(figure: "p99", valueMs: 100, errorMs: 9),
                .init(figure: "p95", valueMs: 40, errorMs: 2),
            ]
        }
        let lag = Audit.checks(facts).first { $0.id == "generator-lag" }
        #expect(lag?.value == "9.00 ms of the p99")
        #expect(lag?.limit == "<= 15.00 ms (15.00 % of 100 ms)")
        #expect(lag?.strain == 0.6)
    }

    @Test("calls a log quiet that has a line for each registration and each login, and no other")
    func journeyLog() {
        let due = Self.with {
            $0.server?.linesDue = 1200
            $0.server?.linesWritten = 1205
            $0.server?.answered = 3000
        }
        #expect(Self.red(due) == [])
        var loud = due
        loud.server?.linesWritten = 1800
        #expect(Self.red(loud) == ["quiet-logs"])
    }

    @Test("counts an open reservation as a unit that is neither in stock nor sold")
    func openReservation() {
        let facts = Self.with {
            $0.redis?.stock = 399
            $0.redis?.openReservations = 1
            $0.redis?.openUnits = 1
        }
        #expect(Self.red(facts).isEmpty)
    }
}

@Suite("What names the limiter")
struct LimiterTests {
    @Test("says what it is named by, and looks at one Redis at a time")
    func evidence() {
        func limiter(_ redis: Double, _ busiest: Double?) -> Limiter {
            Limiter(
                cores: 2, isDirect: false, bench: 0.2, server: 0.3, redis: redis, busiestRedis: busiest,
                waitShare: 0.1, sqlShare: 0.1)
        }
        #expect(limiter(0.9, nil).evidence == "its one thread was busy for 90.00 % of the time")
        // Six servers that used a core together: none of them was busy.
        #expect(limiter(1, 0.3).name == .unknown)
        #expect(limiter(1, 0.3).evidence?.hasPrefix("1.50 of 2 cores were used") == true)
    }

    private static func name(
        bench: Double? = 0.2, server: Double? = 0.2, redis: Double? = 0.1, wait: Double? = 0,
        sql: Double? = 0.1,
        isDirect: Bool = false, lag: Double? = 0.1
    ) -> Limiter.Name {
        Limiter(
            cores: 2, isDirect: isDirect, bench: bench, server: server, redis: redis, waitShare: wait,
            sqlShare: sql, loopLagMs: lag
        ).name
    }

    @Test("names what is used up, the generator first")
    func names() {
        #expect(Self.name() == .unknown)
        #expect(Self.name(bench: 0.95) == .generator)
        #expect(Self.name(bench: 0.95, isDirect: true) == .unknown)
        #expect(Self.name(redis: 0.9) == .redis)
        #expect(Self.name(server: 1.3, wait: 0.9) == .lock)
        #expect(Self.name(server: 1.5) == .cores)
        #expect(Self.name(sql: 0.5) == .ledger)
        #expect(Self.name(sql: 0.5, lag: 8) == .eventLoops)
        #expect(Self.name(server: 1.7, lag: 8) == .cores)
        #expect(Self.name(bench: nil, server: nil, redis: nil, wait: nil, sql: nil) == .unknown)
    }

    @Test("Redis' own counts are summed over its commands, and garbage is no count")
    func commandCounts() {
        let text = "# Commandstats\r\ncmdstat_get:calls=3,usec=1\r\ncmdstat_evalsha:calls=40,usec=2\r\n"
        let counter = CommandCounter(parsing: text)
        #expect(counter?.total == 43)
        #expect(counter?["evalsha"] == 40)
        #expect(counter?["hset"] == 0)
        let later = CommandCounter(parsing: "cmdstat_get:calls=5,usec=1\r\ncmdstat_evalsha:calls=40,usec=2")
        #expect(counter.flatMap { later?.since($0)["get"] } == 2)
        #expect(CommandCounter(parsing: "cmdstat_get:usec=1") == nil)
        #expect(CommandCounter(parsing: "# Commandstats")?.total == 0)
    }
}
