"use strict";

// What this page knows; the token is nowhere else.
const state = { api: null, token: null };
const methods = ["get", "put", "post", "patch", "delete"];

function element(id) { return document.getElementById(id); }

// An element with properties and children; texts are only ever texts, never markup.
function make(tag, properties, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(properties ?? {})) {
        if (name in node) node[name] = value; else node.setAttribute(name, value);
    }
    node.append(...children.filter((child) => child !== null && child !== undefined));
    return node;
}

// The address of a path of this API, wherever a proxy has put this page.
function address(path) { return new URL(path.replace(/^\//, ""), document.baseURI); }

function pretty(value) { return JSON.stringify(value, null, 2); }

function prettyText(text) {
    try { return pretty(JSON.parse(text)); } catch { return text; }
}

// ---- Reading the document

function resolved(schema) {
    const name = schema?.$ref?.split("/").pop();
    return name ? state.api.components.schemas[name] : schema ?? {};
}

function operationsOf(api) {
    return Object.entries(api.paths).flatMap(([path, item]) =>
        methods.filter((method) => item[method]).map((method) => ({ path, method, ...item[method] })));
}

function range(least, most, unit) {
    const high = most !== undefined && most < Number.MAX_SAFE_INTEGER ? most : undefined;
    if (least === undefined && high === undefined) return "";
    if (high === undefined) return `, from ${least}${unit}`;
    return least === undefined ? `, up to ${high}${unit}` : `, ${least} to ${high}${unit}`;
}

// A schema in a few words.
function words(given) {
    const schema = resolved(given);
    const types = [schema.type ?? "any"].flat();
    const isNullable = types.includes("null");
    const type = types.find((name) => name !== "null") ?? "null";
    const end = isNullable ? ", or null" : "";
    if (schema.enum) return schema.enum.filter((name) => name !== null).join(" | ") + end;
    if (type === "array") return `list of ${words(schema.items)}` + end;
    if (type === "string" && schema.format === "date-time") return "time (RFC 3339)" + end;
    if (type === "string") return "text" + range(schema.minLength, schema.maxLength, " characters") + end;
    if (type === "integer") return "whole number" + range(schema.minimum, schema.maximum, "") + end;
    return type + end;
}

function table(heads, rows) {
    return make("table", {},
        make("thead", {}, make("tr", {}, ...heads.map((head) => make("th", { scope: "col" }, head)))),
        make("tbody", {}, ...rows.map((row) => make("tr", {}, ...row.map((cell) => make("td", {}, ...[cell].flat()))))));
}

function named(name, isRequired) {
    return [make("code", {}, name), isRequired ? make("span", { className: "must" }, "required") : ""];
}

function fields(schema) {
    const object = resolved(schema);
    const rows = Object.entries(object.properties ?? {}).map(([name, field]) =>
        [named(name, object.required?.includes(name)), words(field), field.description ?? ""]);
    return rows.length ? table(["Field", "Type", ""], rows) : null;
}

function examples(content) {
    return Object.values(content.examples ?? {}).map((example) =>
        make("pre", { tabIndex: 0 }, typeof example.value === "string" ? example.value : pretty(example.value)));
}

// ---- One operation

function parametersPart(operation) {
    if (!operation.parameters?.length) return [];
    const rows = operation.parameters.map((parameter) => [
        named(parameter.name, parameter.required), parameter.in, words(parameter.schema), parameter.description ?? ""]);
    return [make("h3", {}, "Parameters"), table(["Name", "In", "Type", ""], rows)];
}

function bodyPart(operation) {
    const content = operation.requestBody?.content?.["application/json"];
    if (!content) return [];
    return [make("h3", {}, "Body"), fields(content.schema), make("details", { className: "more" },
        make("summary", {}, "Example"), ...examples(content))];
}

function answerPart(status, answer) {
    const inside = [];
    const headers = Object.entries(answer.headers ?? {}).map(([name, header]) => [named(name, false), header.description ?? ""]);
    for (const [type, content] of Object.entries(answer.content ?? {})) {
        const schema = resolved(content.schema);
        const list = schema.type === "array";
        inside.push(make("p", { className: "type" }, make("code", {}, type), list ? ", a list of" : ""),
            fields(list ? schema.items : schema), ...examples(content));
    }
    if (headers.length) inside.push(table(["Header", ""], headers));
    return make("details", { className: "answer" },
        make("summary", {}, make("span", { className: `code s${status[0]}` }, status), answer.description || ""),
        make("div", {}, ...inside.filter(Boolean)));
}

function answersPart(operation) {
    const answers = Object.entries(operation.responses).sort(([a], [b]) => a.localeCompare(b));
    return [make("h3", {}, "Answers"), make("div", {}, ...answers.map(([status, answer]) => answerPart(status, answer)))];
}

function input(operation, parameter) {
    const id = `${operation.operationId}.${parameter.name}`;
    const example = Object.values(parameter.examples ?? {})[0]?.value ?? "";
    const box = make("input", {
        id, autocomplete: "off", spellcheck: false, value: parameter.in === "path" ? String(example) : "",
        placeholder: parameter.in === "path" ? "" : `for example ${example}`,
        inputMode: resolved(parameter.schema).type === "integer" ? "numeric" : "text",
    });
    return { parameter, box, part: make("div", {}, make("label", { htmlFor: id }, `${parameter.name} (${parameter.in})`), box) };
}

// What will be sent, from what stands in the form.
function requestOf(operation, inputs, body) {
    let path = operation.path;
    const query = new URLSearchParams();
    const headers = {};
    for (const { parameter, box } of inputs) {
        if (parameter.in === "path") path = path.replace(`{${parameter.name}}`, encodeURIComponent(box.value));
        else if (box.value === "") continue;
        else if (parameter.in === "query") query.append(parameter.name, box.value);
        else headers[parameter.name] = box.value;
    }
    if (state.token) headers.Authorization = `Bearer ${state.token}`;
    if (body !== null) headers["Content-Type"] = "application/json";
    const url = address(path);
    url.search = query.toString();
    return { url, options: { method: operation.method.toUpperCase(), headers, body: body ?? undefined, cache: "no-store" } };
}

function quoted(text) { return "'" + text.replaceAll("'", "'\\''") + "'"; }

function commandLine({ url, options }) {
    const parts = ["curl -i", options.method === "GET" ? "" : `-X ${options.method}`, quoted(url.href)];
    for (const [name, value] of Object.entries(options.headers)) {
        parts.push(name === "Authorization" ? '-H "Authorization: Bearer $TOKEN"' : "-H " + quoted(`${name}: ${value}`));
    }
    if (options.body !== undefined) parts.push("-d " + quoted(options.body));
    return parts.filter(Boolean).join(" ");
}

// Sends and reads to the end; a server out of reach is an answer too.
async function send(request) {
    const start = performance.now();
    try {
        const response = await fetch(request.url, request.options);
        const text = await response.text();
        return { response, text, took: performance.now() - start };
    } catch (error) {
        return { failure: `The server was not reached: ${error.message}` };
    }
}

function timings(header) {
    const rows = header.split(",").map((part) => {
        const [name, ...rest] = part.trim().split(";");
        const value = rest.map((text) => text.trim().replace(/^dur=(.*)$/, "$1 ms").replace(/^desc="?(.*?)"?$/, "$1")).join(" ");
        return [make("code", {}, name), value];
    });
    return [make("h3", {}, "What it cost (Server-Timing)"), table(["Part", ""], rows)];
}

function show(result, request, { response, text, took, failure }) {
    const curl = make("details", { className: "more" }, make("summary", {}, "As a command"), make("pre", { tabIndex: 0 }, commandLine(request)));
    if (failure) return result.replaceChildren(make("p", { className: "failure" }, failure), curl);
    const status = String(response.status);
    const headers = [...response.headers].map(([name, value]) => [make("code", {}, name), value]);
    const timing = response.headers.get("server-timing");
    result.replaceChildren(
        make("p", { className: "line" }, make("span", { className: `code s${status[0]}` }, status),
            ` ${response.statusText} · ${took.toFixed(1)} ms · ${new TextEncoder().encode(text).length} bytes`),
        text ? make("pre", { className: "body", tabIndex: 0, ariaLabel: "Body of the answer" }, prettyText(text)) : make("p", { className: "quiet" }, "No body."),
        ...(timing ? timings(timing) : []),
        make("details", { className: "more" }, make("summary", {}, `${headers.length} headers`), table(["Header", ""], headers)), curl);
}

function tryPart(operation) {
    const inputs = (operation.parameters ?? []).map((parameter) => input(operation, parameter));
    const content = operation.requestBody?.content?.["application/json"];
    const id = `${operation.operationId}.body`;
    const body = content && make("textarea", { id, spellcheck: false, value: pretty(Object.values(content.examples)[0].value) });
    if (body) body.rows = Math.min(14, body.value.split("\n").length + 1);
    const button = make("button", { type: "submit" }, "Send");
    const result = make("div", { className: "result", ariaLive: "polite" });
    const form = make("form", {},
        inputs.length ? make("div", { className: "inputs" }, ...inputs.map((one) => one.part)) : null,
        body ? make("div", { className: "wide" }, make("label", { htmlFor: id }, "Body"), body) : null, button);
    form.addEventListener("submit", async (event) => {
        event.preventDefault();
        const request = requestOf(operation, inputs, body ? body.value : null);
        button.disabled = true;
        const answer = await send(request);
        button.disabled = false;
        show(result, request, answer);
        if (operation.operationId === "logIn" && answer.response?.ok) await adopt(answer.text);
    });
    body?.addEventListener("keydown", (event) => {
        if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
    });
    return make("section", { className: "try" }, make("h3", {}, "Try it"), form, result);
}

// A path that may be broken before each of its slashes.
function breakable(path) {
    return path.split(/(?=\/)/).flatMap((part, index) => (index ? [make("wbr"), part] : [part]));
}

function operationPart(operation) {
    const access = operation["x-access"] ?? "anyone";
    const inside = make("div", { className: "inside" });
    const details = make("details", { className: "operation", id: operation.operationId },
        make("summary", {}, make("span", { className: `method ${operation.method}` }, operation.method.toUpperCase()),
            make("span", { className: "path" }, ...breakable(operation.path)), make("span", { className: "what" }, operation.summary ?? ""),
            make("span", { className: `access ${access}` }, access)), inside);
    // Built when it is first looked at.
    details.addEventListener("toggle", () => {
        if (!details.open || inside.childElementCount) return;
        if (operation.description) inside.append(make("p", { className: "quiet" }, operation.description));
        inside.append(...parametersPart(operation), ...bodyPart(operation).filter(Boolean), ...answersPart(operation), tryPart(operation));
    });
    return details;
}

// ---- The session

function note(text, kind) {
    const line = element("session-note");
    line.textContent = text;
    line.className = kind ?? "quiet";
}

function call(operationID, body) {
    const operation = operationsOf(state.api).find((one) => one.operationId === operationID);
    return send(requestOf(operation, [], body === undefined ? null : JSON.stringify(body)));
}

function problem({ response, text, failure }) {
    if (failure) return failure;
    try { return `${response.status}: ${JSON.parse(text).detail}`; } catch { return `${response.status} ${response.statusText}`; }
}

async function adopt(text) {
    const answer = JSON.parse(text);
    state.token = answer.access_token;
    const end = new Date(Date.now() + answer.expires_in * 1000);
    const me = await call("me");
    element("who").textContent = me.response?.ok ? JSON.parse(me.text).username : "?";
    element("until").textContent = `the token ends at ${end.toLocaleTimeString()}`;
    element("sign-in").hidden = true;
    element("signed-in").hidden = false;
    note("The token goes with every call of this page, and is gone with it.");
}

function forget(text) {
    state.token = null;
    element("sign-in").hidden = false;
    element("signed-in").hidden = true;
    element("password").value = "";
    note(text);
}

async function signIn(isNew) {
    const form = element("sign-in");
    if (!form.reportValidity()) return;
    const body = { username: element("username").value, password: element("password").value };
    if (isNew) {
        const made = await call("register", body);
        if (!made.response?.ok) return note(problem(made), "failure");
    }
    const answer = await call("logIn", body);
    if (!answer.response?.ok) return note(problem(answer), "failure");
    element("password").value = "";
    await adopt(answer.text);
}

function listenToSession() {
    element("sign-in").addEventListener("submit", (event) => { event.preventDefault(); signIn(false); });
    element("register").addEventListener("click", () => signIn(true));
    element("forget").addEventListener("click", () => forget("The token is forgotten here; it counts until it ends."));
    element("log-out").addEventListener("click", async () => {
        const answer = await call("logOut");
        if (answer.response?.ok) forget("All tokens of this user were ended."); else note(problem(answer), "failure");
    });
}

// ---- The page

function link(operation) {
    return make("li", {}, make("a", { href: `#${operation.operationId}`, title: operation.summary },
        make("span", { className: `method ${operation.method}` }, operation.method.toUpperCase()), make("span", {}, ...breakable(operation.path))));
}

function draw(api) {
    document.title = api.info.title;
    element("title").replaceChildren(api.info.title, make("span", { className: "version" }, `version ${api.info.version}`));
    element("about").textContent = api.info.description ?? "";
    const all = operationsOf(api);
    for (const { name } of api.tags) {
        const group = all.filter((operation) => operation.tags?.includes(name));
        const parts = group.map(operationPart), links = group.map(link);
        const section = make("section", {}, make("h2", {}, name), ...parts);
        const index = make("div", {}, make("h2", {}, name), make("ul", {}, ...links));
        element("operations").append(section);
        element("index").append(index);
        element("filter").addEventListener("input", (event) => {
            const terms = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
            group.forEach((operation, at) => {
                const text = [operation.method, operation.path, operation.summary, operation.operationId, name, operation["x-access"]].join(" ").toLowerCase();
                parts[at].hidden = links[at].hidden = !terms.every((term) => text.includes(term));
            });
            section.hidden = index.hidden = parts.every((part) => part.hidden);
        });
    }
}

// Opens what the address names behind its #.
function open() {
    const part = element(decodeURIComponent(location.hash.slice(1)));
    if (part?.tagName !== "DETAILS") return;
    part.open = true;
    part.scrollIntoView();
}

async function readiness() {
    const { response, text } = await send({ url: address("/health/ready"), options: { cache: "no-store" } });
    try {
        const answer = JSON.parse(text);
        const missing = answer.out_of_reach.length ? `, out of reach: ${answer.out_of_reach.join(", ")}` : "";
        element("readiness").textContent = `This server is ${answer.status}; strategy ${answer.strategy}${missing}.`;
        element("readiness").className = response.ok ? "good" : "failure";
    } catch {
        element("readiness").textContent = "";
    }
}

async function begin() {
    const answer = await send({ url: address("/openapi.json"), options: { cache: "no-store" } });
    if (!answer.response?.ok) {
        element("operations").append(make("p", { className: "failure" }, `openapi.json: ${problem(answer)}`));
        return;
    }
    state.api = JSON.parse(answer.text);
    draw(state.api);
    listenToSession();
    addEventListener("hashchange", open);
    addEventListener("keydown", (event) => {
        if (event.key !== "/" || event.target.matches("input, textarea")) return;
        event.preventDefault();
        element("filter").focus();
    });
    open();
    document.body.dataset.state = "ready";
    await readiness();
}

begin();
