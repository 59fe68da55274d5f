import HTTPTypes

extension RouteTable {
    private static let username = FieldDeclaration(
        "username", .text(1...50, pattern: #"^[^\u0000-\u001f\u007f-\u009f]*$"#),
        "1 to 50 characters, not blank, no control characters.", example: "ann")
    private static let password = FieldDeclaration(
        "password", .text(8...1024, isSecret: true),
        "8 to 1024 characters; not one of those that are guessed first.", example: "correct horse battery")

    static let auth: [RouteDeclaration] = [
        .init(
            .register, .post, "/api/auth/register", .anyone, tag: "auth", "Make a user",
            body: .init(
                name: "Registration",
                fields: [
                    username, password,
                    .init(
                        "email",
                        .text(
                            3...100,
                            pattern: #"^[^@\s\u0000-\u001f\u007f-\u009f]+@[^@\s\u0000-\u001f\u007f-\u009f]+$"#
                        ),
                        isRequired: false, isNullable: true, "An e-mail address.", example: "ann@example.org"),
                ]),
            answers: [.init(status: .created, content: .object(Schemas.user), note: "The user.")],
            refusals: [.taken("username"), .tooManyAttempts(retryAfter: 1)]),
        .init(
            .logIn, .post, "/api/auth/login", .anyone, tag: "auth", "Get an access token",
            body: .init(
                name: "SignIn",
                fields: [
                    // Any text: what cannot be right is refused like what is wrong.
                    .init("username", .text(0...60_000), "The name of the user.", example: "ann"),
                    .init(
                        "password", .text(0...60_000, isSecret: true), "The password.",
                        example: "correct horse battery"),
                ]),
            answers: [.init(status: .ok, content: .object(Schemas.accessToken), note: "A token.")],
            refusals: [.wrongCredentials, .tooManyAttempts(retryAfter: 1)]),
        .init(
            .logOut, .post, "/api/auth/logout", .user, tag: "auth", "End all access tokens of the user",
            answers: [
                .init(status: .noContent, content: .nothing, note: "No token of the user counts any more.")
            ]
        ),
        .init(
            .changePassword, .post, "/api/auth/password", .user, tag: "auth",
            "Set a new password; ends all access tokens of the user",
            body: .init(
                name: "PasswordChange",
                fields: [
                    .init(
                        "password", .text(0...60_000, isSecret: true), "The password until now.",
                        example: "correct horse battery"),
                    .init(
                        "new_password", .text(8...1024, isSecret: true),
                        "8 to 1024 characters; not one of those that are guessed first.",
                        example: "staple battery horse"),
                ]),
            answers: [.init(status: .noContent, content: .nothing, note: "The new password counts.")],
            refusals: [.tooManyAttempts(retryAfter: 1)]),
        .init(
            .me, .get, "/api/auth/me", .user, tag: "auth", "Who the token speaks for",
            answers: [.init(status: .ok, content: .object(Schemas.user), note: "The user.")]),
    ]
}
