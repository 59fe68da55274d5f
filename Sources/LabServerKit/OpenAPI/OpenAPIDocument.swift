import HTTPTypes

/// The OpenAPI 3.1 document, made of the table of routes and nothing else.
enum OpenAPIDocument {
    static let tree: JSONTree = [
        "openapi": "3.1.0",
        "info": [
            "title": "Inventory API of the lock-strategy lab",
            "version": .text(LabServer.version),
            "description": .text(
                "Products, their stock and purchases. A purchase is exact under any number of buyers; how they "
                    + "are kept apart is the strategy that the server was started with."),
        ],
        "servers": [["url": "/"]],
        "tags": .array(tags.map { ["name": .text($0)] }),
        "paths": paths,
        "components": [
            "schemas": .object(schemas.map { .init(name: $0.name, value: $0.schema) }),
            "securitySchemes": [
                "token": [
                    "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
                    "description": "From POST /api/auth/login.",
                ]
            ],
        ],
    ]

    private static var tags: [String] {
        RouteTable.all.reduce(into: []) { if !$0.contains($1.tag) { $0.append($1.tag) } }
    }

    /// Each object once, in the order in which routes name them.
    private static var schemas: [ObjectDeclaration] {
        var found: [ObjectDeclaration] = []
        func add(_ object: ObjectDeclaration) {
            if !found.contains(where: { $0.name == object.name }) { found.append(object) }
        }
        for route in RouteTable.all {
            if let body = route.body { add(body) }
            for answer in route.answers {
                if case .object(let object) = answer.content, !object.fields.isEmpty { add(object) }
                if case .list(let object) = answer.content { add(object) }
            }
        }
        add(Schemas.problem)
        return found
    }

    private static var paths: JSONTree {
        var names: [String] = []
        for route in RouteTable.all where !names.contains(route.path) { names.append(route.path) }
        return .object(
            names.map { path in
                let operations = RouteTable.all.filter { $0.path == path }.map { route in
                    JSONTree.Member(name: route.method.rawValue.lowercased(), value: operation(route))
                }
                return .init(name: path, value: .object(operations))
            })
    }

    private static func operation(_ route: RouteDeclaration) -> JSONTree {
        var tree: JSONTree = [
            "operationId": .text(route.id.rawValue), "summary": .text(route.summary),
            "description": .text(route.id.details),
            "tags": [.text(route.tag)], "x-access": .text(route.access.rawValue),
        ]
        if route.access != .anyone { tree = tree.adding(["security": [["token": []]]]) }
        if !route.parameters.isEmpty {
            tree = tree.adding(["parameters": .array(route.parameters.map(parameter))])
        }
        if let body = route.body {
            tree = tree.adding(
                [
                    "requestBody": [
                        "required": true,
                        "content": [
                            "application/json": [
                                "schema": reference(body), "examples": ["sample": ["value": body.example]],
                            ]
                        ],
                    ]
                ])
        }
        return tree.adding(["responses": responses(route)])
    }

    private static func parameter(_ parameter: RouteDeclaration.Parameter) -> JSONTree {
        [
            "name": .text(parameter.field.name), "in": .text(parameter.location.rawValue),
            "required": .boolean(parameter.field.isRequired), "description": .text(parameter.field.note),
            "schema": parameter.field.shape.schema(isNullable: false),
            "examples": ["sample": ["value": parameter.field.example]],
        ]
    }

    private static func reference(_ object: ObjectDeclaration) -> JSONTree {
        object.fields.isEmpty
            ? ["type": "object"] : ["$ref": .text("#/components/schemas/\(object.name)")]
    }

    private static func responses(_ route: RouteDeclaration) -> JSONTree {
        let codes = Set(route.answers.map(\.status.code) + route.refusals.map(\.status.code)).sorted()
        return .object(
            codes.map { code in
                let answer = route.answers.first { $0.status.code == code }
                let problems = route.refusals.filter { $0.status.code == code }.map(\.problem)
                return .init(name: String(code), value: response(answer, problems, of: route))
            })
    }

    private static func response(
        _ answer: RouteDeclaration.Answer?, _ problems: [Problem], of route: RouteDeclaration
    ) -> JSONTree {
        var content: [JSONTree.Member] = []
        switch answer?.content {
        case .object(let object):
            content.append(
                .init(
                    name: "application/json",
                    value: ["schema": reference(object), "examples": ["sample": ["value": object.example]]]))
        case .list(let object):
            content.append(
                .init(
                    name: "application/json",
                    value: [
                        "schema": ["type": "array", "items": reference(object), "maxItems": 100],
                        "examples": ["sample": ["value": [object.example]]],
                    ]))
        case .page:
            content.append(.init(name: "text/html", value: ["schema": ["type": "string"]]))
        case .nothing, nil: break
        }
        if !problems.isEmpty {
            content.append(.init(name: "application/problem+json", value: examples(of: problems)))
        }
        let note = answer?.note ?? problems.first?.title ?? ""
        let tree: JSONTree = ["description": .text(note)]
        let headers = headers(
            (answer?.headers ?? []) + (route.isLimited ? RouteTable.rateLimits : []), problems)
        return tree.adding(headers).adding(content.isEmpty ? [:] : ["content": .object(content)])
    }

    private static func headers(_ declared: [HeaderDeclaration], _ problems: [Problem]) -> JSONTree {
        var members = declared.map { header in
            JSONTree.Member(
                name: header.name,
                value: [
                    "description": .text(header.note), "required": .boolean(header.isRequired),
                    "schema": header.shape.schema(isNullable: false),
                ])
        }
        members.append(
            .init(
                name: "X-Request-ID",
                value: [
                    "description": "The id under which the log holds this request.",
                    "schema": ["type": "string"],
                ]))
        members.append(
            .init(
                name: "traceparent",
                value: [
                    "description": "W3C Trace Context: the request's trace, and our step of it.",
                    "schema": ["type": "string"],
                ]))
        let names = problems.flatMap { $0.headers.map(\.name.rawName) }
        for name in ["Retry-After", "WWW-Authenticate"] where names.contains(name) {
            let isNumber = name == "Retry-After"
            members.append(
                .init(name: name, value: ["schema": ["type": isNumber ? "integer" : "string"]]))
        }
        return ["headers": .object(members)]
    }

    private static func examples(of problems: [Problem]) -> JSONTree {
        let samples = problems.enumerated().map { index, problem in
            let value: JSONTree = [
                "type": .text(problem.type), "title": .text(problem.title),
                "status": .number(problem.status.code), "detail": .text(problem.detail),
            ]
            let field: JSONTree = problem.field.map { ["field": .text($0)] } ?? [:]
            return JSONTree.Member(
                name: "sample\(index + 1)",
                value: ["value": value.adding(field).adding(["request_id": "5f0c-1a"])])
        }
        return ["schema": reference(Schemas.problem), "examples": .object(samples)]
    }
}
