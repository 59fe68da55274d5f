import HTTPTypes
import LabTesting
import LockStrategies
import Testing

@testable import LabServerKit

/// The page at /docs.
@Suite struct DocsPageTests {
    @Test(
        "The page is HTML with a policy of its own: only what is in the answer runs, and it calls only its server"
    )
    func policy() async throws {
        try await withLab { lab async throws in
            let first = try await lab.client.send(.get, "/docs")
            #expect(first.status == 200)
            #expect(first.headers[.contentType] == "text/html; charset=utf-8")
            #expect(first.headers[.xContentTypeOptions] == "nosniff")
            let policy = try #require(first.headers[.contentSecurityPolicy])
            let nonce = try #require(policy.firstMatch(of: /script-src 'nonce-([0-9a-f]{20,})'/)?.1)
            for rule in [
                "default-src 'none'", "style-src 'nonce-\(nonce)'", "connect-src 'self'",
                "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'",
                "require-trusted-types-for 'script'",
            ] { #expect(policy.contains(rule)) }
            #expect(!policy.contains("unsafe") && !policy.contains("http"))
            // Both inline parts carry the number, and nothing of the template is left.
            #expect(first.text.split(separator: "nonce=\"\(nonce)\"").count == 3)
            #expect(!first.text.contains("{{"))
            let second = try await lab.client.send(.get, "/docs")
            #expect(!second.text.contains(nonce))
        }
    }

    @Test("The page refers to nothing outside of this server and has no handler in its markup")
    func nothingExternal() throws {
        let text = DocsPage().html(nonce: "0")
        #expect(text.contains("</html>"))
        for external in [
            "http://", "https://", "//cdn", "@import", "url(", "innerHTML", "onclick=", "onload=",
        ] {
            #expect(!text.contains(external), "\(external)")
        }
        let targets = text.matches(of: /(?:src|href)="([^"]*)"/).map { String($0.1) }
        #expect(Set(targets) == ["data:,", "#operations", "openapi.json"])
    }

    @Test(
        "A browser draws every route, registers, signs in, buys and shows what it cost, without a script error"
    )
    func browser() async throws {
        try await withLab { lab async throws in
            try await HeadlessBrowser.withPage { page async throws in
                try await page.go(to: "http://127.0.0.1:\(lab.client.port)/docs")
                try await page.wait(until: "document.body?.dataset.state === 'ready'")
                let drawn = try await page.evaluate(
                    "[...document.querySelectorAll('details.operation')].map((part) => part.id).sort().join()"
                )
                #expect(drawn == RouteTable.all.map(\.id.rawValue).sorted().joined(separator: ","))
                try await page.wait(
                    until: "document.getElementById('readiness').textContent.includes('ready')")

                try await fill(page, "username", "ann")
                try await fill(page, "password", "lab-test-12")
                try await press(page, "document.getElementById('register')")
                try await page.wait(until: "!document.getElementById('signed-in').hidden")
                #expect(try await page.evaluate("document.getElementById('who').textContent") == "ann")
                #expect(try await page.evaluate("document.getElementById('password').value") == "")

                #expect(try await send(page, .createProduct) == "201")
                #expect(try await send(page, .purchase) == "200")
                let shown = try await page.evaluate("document.querySelector('#purchase .result').innerText")
                for part in ["total_price", "Server-Timing", "wait", "ms"] {
                    #expect(shown.contains(part), "\(shown)")
                }
                let all = try await page.evaluate("document.querySelector('#purchase .result').textContent")
                #expect(all.contains("lab-strategy") && all.contains("$TOKEN"))
                let token = try await page.evaluate("state.token")
                #expect(token.split(separator: ".").count == 3)
                let markup = try await page.evaluate("document.documentElement.outerHTML")
                #expect(!markup.contains(token))
                #expect(try await page.evaluate("localStorage.length + sessionStorage.length") == "0")
                #expect(try await page.evaluate("document.cookie") == "")

                // Without the token the same call is refused, and the page says so.
                try await press(page, "document.getElementById('log-out')")
                try await page.wait(until: "document.getElementById('signed-in').hidden")
                #expect(try await send(page, .purchase) == "401")
                #expect(page.errors == [])
            }
            #expect(try await lab.client.logIn("ann").stock(1) == 98)
        }
    }

    @Test(
        "The page is light or dark as the reader has it, and readable in both",
        arguments: HeadlessBrowser.ColourScheme.allCases)
    func colourSchemes(scheme: HeadlessBrowser.ColourScheme) async throws {
        try await withLab { lab async throws in
            try await HeadlessBrowser.withPage { page async throws in
                try await page.prefer(scheme)
                try await page.go(to: "http://127.0.0.1:\(lab.client.port)/docs")
                try await page.wait(until: "document.body?.dataset.state === 'ready'")
                let ground = try await page.evaluate("getComputedStyle(document.body).backgroundColor")
                let parts = ground.split { !$0.isNumber }.prefix(3).compactMap { Int($0) }
                #expect(
                    parts.count == 3 && parts.allSatisfy { scheme == .light ? $0 > 200 : $0 < 60 },
                    "\(ground)")
                for selector in ["h1", "summary", "label", "button", "p"] {
                    #expect(try await page.contrast(of: selector) >= 4.5, "\(selector)")
                }
                #expect(page.errors == [])
            }
        }
    }

    @Test("A script error, and what the policy refuses, would be seen")
    func errorsAreSeen() async throws {
        try await withLab { lab async throws in
            try await HeadlessBrowser.withPage { page async throws in
                try await page.go(to: "http://127.0.0.1:\(lab.client.port)/docs")
                try await page.wait(until: "document.body?.dataset.state === 'ready'")
                _ = try await page.evaluate("setTimeout(() => missing.function())")
                try await page.wait(until: "true")
                try await waitUntil { page.errors.contains { $0.hasPrefix("exception") } }
                _ = try await page.evaluate(
                    "document.body.append(Object.assign(document.createElement('img'), {src: '/x.png'}))")
                try await waitUntil { page.errors.contains { $0.contains("Content Security Policy") } }
                await #expect(throws: HeadlessBrowser.Failure.self) {
                    _ = try await page.evaluate("document.body.innerHTML = '<b>markup</b>'")
                }
            }
        }
    }

    private func fill(_ page: HeadlessBrowser, _ id: String, _ text: String) async throws {
        _ = try await page.evaluate("document.getElementById('\(id)').value = '\(text)'")
    }

    private func press(_ page: HeadlessBrowser, _ button: String) async throws {
        _ = try await page.evaluate("\(button).click()")
    }

    /// Opens the operation, sends its example and waits for the answer's status.
    private func send(_ page: HeadlessBrowser, _ id: OperationID) async throws -> String {
        let part = "document.querySelector('#\(id.rawValue)')"
        _ = try await page.evaluate("\(part).open = true")
        try await page.wait(until: "\(part).querySelector('.try form') !== null")
        _ = try await page.evaluate("\(part).querySelector('.result').replaceChildren()")
        try await press(page, "\(part).querySelector('.try button')")
        try await page.wait(until: "\(part).querySelector('.result .line, .result .failure') !== null")
        return try await page.evaluate("\(part).querySelector('.result .code')?.textContent ?? 'failed'")
    }
}
