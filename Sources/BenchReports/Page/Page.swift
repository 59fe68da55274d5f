/// What every page of the bench has: one file, its style and its script inside, no reference to anything
/// outside.
enum Page {
    /// - Parameter style: Of this page alone.
    static func text(title: String, body: String, style: String = "") -> String {
        """
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>\(HTML.escaped(title))</title>
        <style>\(PageStyle.css)\(style.isEmpty ? "" : "\n" + style)</style>
        </head>
        <body>
        <main>
        \(body)
        </main>
        <script>\(PageScript.text)</script>
        </body>
        </html>

        """
    }
}
