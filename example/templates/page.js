"use strict";
const at = (id) => document.getElementById(id);
const prefix = document.body.dataset.prefix;
// Tokens live in this variable only: closing the page forgets them.
const state = { access: "", refresh: "", until: null, cookie: document.body.dataset.signedIn === "true", as: "nobody", me: null, own: null, trusted: "" };
// Where links are to be found.
const sent = document.body.dataset.mail === "log" ? "This example prints it to its log." : "It is on its way by mail.";

async function call(method, path, body, as = state.as) {
  const headers = { Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (as === "token") headers.Authorization = "Bearer " + state.access;
  const request = { method, headers, cache: "no-store", credentials: as === "cookie" ? "same-origin" : "omit" };
  if (body !== undefined) request.body = JSON.stringify(body);
  try {
    const answer = await fetch(path, request);
    const text = await answer.text();
    let data = null;
    try { data = text ? JSON.parse(text) : null; } catch { data = { detail: text }; }
    return { status: answer.status, ok: answer.ok, data };
  } catch {
    return { status: 0, ok: false, data: { code: "unreachable", detail: "the server cannot be reached" } };
  }
}

function say(text, tone) {
  at("said").textContent = text;
  at("said").className = tone || "";
}

const sentence = (text) => text ? text[0].toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".") : "";

const count = (all, name) => all.length + " " + name + (all.length === 1 ? "" : "s");

// why says in words what an answer means.
function why(answer, done) {
  const p = answer.data || {};
  if (answer.ok) return "Allowed: " + done(p) + ".";
  const roles = state.me ? state.me.roles.join(", ") : "";
  if (p.code === "permission_denied") {
    const missing = p.required ? (/^role /.test(p.required) ? "the " + p.required : "the permission " + p.required) : "more than you have";
    const told = p.required ? "" : " The log has the reason under the decision " + p.decision + ".";
    return "Refused: this needs " + missing + ", which neither your roles (" + roles + ") nor a policy gives." + told;
  }
  if (p.code === "unauthenticated") return "Refused: nobody is logged in. " + sentence(p.detail);
  if (p.code === "insufficient_user_authentication") return "Refused: prove once more who you are.";
  if (p.code === "token_expired") return "Refused: the access token has expired. Refresh the tokens.";
  if (p.code === "code_invalid") return "Refused. " + sentence(p.detail);
  if (answer.status === 401) return "Refused: the credential does not count. " + sentence(p.detail);
  return sentence(p.detail || p.message || "Failed");
}

// element makes an element with a text, and never parses HTML.
function element(name, text, className) {
  const e = document.createElement(name);
  if (text !== undefined) e.textContent = text;
  if (className) e.className = className;
  return e;
}

function showCodes(where, names) {
  where.replaceChildren();
  if (!names || names.length === 0) where.textContent = "none";
  (names || []).forEach((name, i) => where.append(i ? " " : "", element("code", name)));
}

function showWho() {
  const me = state.me;
  at("badge").textContent = me ? me.email + " (" + me.roles.join(", ") + ")" : "anonymous";
  at("badge").className = me ? "pill good" : "pill";
  at("who-email").textContent = me ? me.email : "anonymous";
  showCodes(at("who-roles"), me && me.roles);
  showCodes(at("who-permissions"), me && me.permissions);
  showCodes(at("who-session"), me && me.session_id ? [me.session_id] : null);
  const until = state.until ? ", access token valid until " + state.until.toLocaleTimeString() : "";
  at("who-carrier").textContent = { token: "tokens in this page's memory" + until, cookie: "a session cookie that scripts cannot read", nobody: "nothing" }[state.as];
  for (const [name, held] of [["token", state.access !== ""], ["cookie", state.cookie], ["nobody", true]]) {
    at("as-" + name).disabled = !held;
    at("as-" + name).checked = state.as === name;
  }
  showOwner();
  at("refresh").disabled = state.as !== "token" || state.refresh === "";
  at("logout").disabled = at("logout-everywhere").disabled = state.as === "nobody";
  at("sessions-others").disabled = at("sessions").tBodies[0].rows.length < 2;
}

// clearAnswers forgets what was answered to somebody else.
function clearAnswers() {
  for (const answer of document.querySelectorAll(".answer")) answer.replaceChildren();
  at("last-text").textContent = "Nothing was tried yet.";
  at("why").replaceChildren();
  at("trail").tBodies[0].replaceChildren();
  at("trail-box").hidden = at("codes").hidden = at("prove").hidden = true;
  at("codes-text").textContent = at("enroll-secret").textContent = "";
  state.trail = 0;
}

// become switches the credential that requests carry, and shows who that is.
async function become(as) {
  const before = state.me && state.me.id;
  state.as = as;
  state.me = null;
  const answer = as === "nobody" ? null : await call("GET", prefix + "/me");
  if (answer && answer.ok) state.me = answer.data;
  if (answer && answer.status === 401) return forget(as, "The session has ended.");
  if ((state.me && state.me.id) !== before) clearAnswers();
  showWho();
  listen();
  await Promise.all([showMay(), showSessions(), showFactors(), showAdmin()]);
}

// listen reads the stream of changes as whoever the page is now. The server ends it when that is nobody any more.
async function listen() {
  if (state.live) state.live.abort();
  state.live = null; // what the one before still has to say is not shown
  at("live").textContent = "not open";
  if (!state.me) return;
  const mine = state.live = new AbortController();
  const show = (text) => { if (state.live === mine) at("live").textContent = text; };
  const headers = state.as === "token" ? { Authorization: "Bearer " + state.access } : {};
  try {
    const answer = await fetch("/articles/live", { headers, credentials: state.as === "cookie" ? "same-origin" : "omit", signal: mine.signal });
    if (!answer.ok) return show("refused");
    const lines = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let text = "", step; !(step = await lines.read()).done;) {
      const events = (text + step.value).split("\n\n");
      text = events.pop();
      for (const event of events) {
        const [, name, data] = /^event: (\w+)\ndata: (.*)$/.exec(event);
        const one = JSON.parse(data);
        show({ open: "open", change: "article " + one.id + " was " + one.what, end: "ended: " + one.why }[name]);
      }
    }
  } catch { show("closed"); }
}

// forget drops a credential that does not count any more. An expired token is kept: it can be refreshed.
async function forget(as, text) {
  if (as === "token" && state.own) {
    await actNoMore();
    return say(text + " You act as nobody else any more.");
  }
  if (as === "token") { state.access = ""; state.refresh = ""; state.until = null; }
  if (as === "cookie") state.cookie = false;
  await become("nobody");
  say(text);
}

async function showMay() {
  const answer = await call("GET", "/articles/may");
  for (const row of document.querySelectorAll("tr[data-action]")) {
    const held = answer.ok && answer.data[row.dataset.action];
    row.querySelector(".held").textContent = !state.me ? "" : held ? "you have it" : "you do not have it";
  }
}

function time(text) {
  const e = element("time", new Date(text).toLocaleString([], { dateStyle: "medium", timeStyle: "short" }));
  e.dateTime = text;
  return e;
}

function cell(name, ...inner) {
  const e = element("td");
  e.dataset.name = name;
  const box = element("span");
  box.append(...inner);
  e.append(box);
  return e;
}

function sessionRow(one) {
  const row = element("tr");
  row.dataset.session = one.id;
  const button = element("button", "Revoke", "small");
  button.type = "button";
  button.setAttribute("aria-label", "Revoke the session of " + one.device + " by " + one.mode + (one.current ? ", this one" : ""));
  button.addEventListener("click", () => busy(button, () => revoke(one)));
  const marks = [element("span", one.device_name ? one.device_name + " (" + one.device + ")" : one.device, "device"), element("span", one.mode, "pill")];
  if (one.remember) marks.push(" ", element("span", "remembered", "pill"));
  for (const what of one.bound_to) marks.push(" ", element("span", "bound to " + what, "pill"));
  if (one.current) marks.push(" ", element("span", "this one", "pill good"));
  const last = element("td");
  const name = element("button", "Name", "small name");
  name.type = "button";
  name.setAttribute("aria-label", "Name the device " + one.device);
  name.addEventListener("click", () => nameDevice(one, row));
  last.append(name, " ", button);
  row.append(cell("Device", ...marks), cell("Address", one.ip), cell("Begun", time(one.created_at)),
    cell("Last used", time(one.last_used_at)), cell("Ends", time(one.expires_at)), last);
  return row;
}

// nameDevice puts a field in the place of the device, and keeps what is typed there.
function nameDevice(one, row) {
  const field = element("input");
  field.maxLength = 64;
  field.value = one.device_name || "";
  field.setAttribute("aria-label", "Name of the device " + one.device);
  row.querySelector(".device").replaceChildren(field);
  field.addEventListener("change", async () => {
    const answer = await call("PATCH", prefix + "/devices/" + encodeURIComponent(one.device_id), { name: field.value });
    await showSessions();
    say(answer.ok ? "The device is called " + field.value + " now." : why(answer), answer.ok ? "good" : "bad");
  });
  field.focus();
}

async function showSessions() {
  const me = state.me, answer = me ? await call("GET", prefix + "/sessions") : null;
  if (state.me !== me) return; // somebody else by now, or nobody
  const shown = answer !== null && answer.ok;
  at("sessions").hidden = at("sessions-foot").hidden = !shown;
  at("sessions-none").hidden = shown;
  const all = shown ? answer.data.sessions : [];
  at("sessions").tBodies[0].replaceChildren(...all.map(sessionRow));
  at("sessions-others").disabled = all.length < 2;
}

async function revoke(one) {
  const answer = await call("DELETE", prefix + "/sessions/" + encodeURIComponent(one.id));
  if (!answer.ok) return say(why(answer), "bad");
  // The other carrier of this page may have been the one that was revoked.
  if (state.cookie && one.mode === "cookie") state.cookie = (await call("GET", prefix + "/me", undefined, "cookie")).ok;
  if (one.current) return forget(state.as, "This session was revoked: its credential is dead.");
  await become(state.as);
  say("The session on " + one.device + " was revoked.", "good");
}

// busy keeps a button from being pressed twice, and the keyboard's focus where it was.
async function busy(button, what) {
  const focused = document.activeElement === button;
  button.disabled = true;
  try { await what(); } finally {
    button.disabled = false;
    showWho();
    if (focused) (button.isConnected ? button : at("sessions-reload")).focus();
  }
}

function keep(tokens) {
  state.own = null;
  state.access = tokens.access_token;
  state.refresh = tokens.refresh_token;
  state.until = new Date(Date.now() + tokens.expires_in * 1000);
}

// asked is what the form wants of the session, however its login is proved.
function asked() {
  const all = { mode: at("mode-cookie").checked ? "cookie" : "token" };
  if (at("login-bind").checked) all.bind = "ip";
  if (at("login-remember").checked) all.remember = true;
  if (all.mode === "token" && state.trusted) all.trusted_device = state.trusted;
  return all;
}

// logIn sends what proves a login, and goes on with the answer.
async function logIn(path, proof) {
  const body = { ...proof, ...asked() };
  const answer = await call("POST", prefix + path, body, body.mode === "cookie" ? "cookie" : "nobody");
  at("choice").hidden = at("factor").hidden = true;
  await loggedIn(answer, body.mode);
  return answer;
}

async function login() {
  at("mailed").hidden = true;
  await logIn("/login", { email: at("login-email").value, password: at("login-password").value });
}

// loggedIn goes on with the answer to a login, which may be the question what sessions to end.
async function loggedIn(answer, mode) {
  if (!answer.ok) return say("Not logged in: " + sentence(answer.data.detail), "bad");
  if (answer.data.trusted_device) state.trusted = answer.data.trusted_device;
  if (answer.data.session_limit) return ask(answer.data, mode);
  if (answer.data.mfa_required) return askFactor(answer.data, mode);
  at("login-password").value = "";
  if (mode === "token") keep(answer.data); else state.cookie = true;
  await become(mode);
  const trust = !answer.data.trusted_for ? "" : mode === "token" ? " This page asks for no code until it is closed; a browser that logs in by cookie, for longer." : " This browser needs no code for a while.";
  if (state.me) say("Logged in as " + state.me.email + " by " + mode + "." + trust, "good");
}

function ask(held, mode) {
  state.held = { continuation: held.continuation, mode };
  at("choice-sessions").replaceChildren(...held.sessions.map((one, i, all) => {
    const label = element("label"), box = element("input");
    box.type = "checkbox";
    box.value = one.id;
    box.checked = i === all.length - 1; // the one used longest ago
    label.append(box, " " + (one.device_name || one.device) + ", last used ", time(one.last_used_at));
    return label;
  }));
  at("choice").hidden = false;
  say("Choose which sessions to end.");
}

async function choose() {
  const end = [...at("choice-sessions").querySelectorAll("input:checked")].map((box) => box.value);
  const { continuation, mode } = state.held;
  at("choice").hidden = true;
  await loggedIn(await call("POST", prefix + "/login/continue", { continuation, end }, mode === "cookie" ? "cookie" : "nobody"), mode);
}

async function register() {
  const account = { email: at("register-email").value, password: at("register-password").value };
  const answer = await call("POST", prefix + "/register", account, "nobody");
  if (!answer.ok) return say("Not registered: " + sentence(answer.data.detail), "bad");
  at("login-email").value = account.email;
  at("register").reset();
  say("Registered " + answer.data.email + " as " + answer.data.roles.join(", ") + ". Now log in." + (document.body.dataset.mail ? " A link that verifies the address was sent. " + sent : ""), "good");
}

async function refresh() {
  const answer = await call("POST", prefix + "/refresh", { refresh_token: state.refresh }, "nobody");
  if (!answer.ok) return forget("token", "Not refreshed: " + sentence(answer.data.detail));
  keep(answer.data);
  await become("token");
  say("New access and refresh token; the refresh token before cannot be used again.", "good");
}

async function logout(everywhere) {
  const as = state.as;
  const answer = await call("POST", prefix + "/logout", { everywhere });
  if (!answer.ok && answer.status !== 401) return say(why(answer), "bad");
  if (everywhere && as === "token" && state.cookie) state.cookie = (await call("GET", prefix + "/me", undefined, "cookie")).ok;
  await forget(as, everywhere ? "Logged out on all devices." : "Logged out.");
}

async function tryRoute(row, done, method, path, body) {
  const answer = await call(method, path, body);
  const pill = answer.status + (answer.data && answer.data.code ? " " + answer.data.code : "");
  const box = element("div");
  box.append(element("span", pill, answer.ok ? "pill good" : "pill bad"), element("p", why(answer, done)));
  row.querySelector(".answer").replaceChildren(box);
  at("last-text").textContent = method + " " + path + "\n" + answer.status + "\n" + (answer.data ? JSON.stringify(answer.data, null, 2) : "(no content)");
  return answer;
}

async function added() {
  const answer = await tryRoute(at("try-add"), (one) => "article " + one.id + " was made", "POST", "/articles", { title: at("add-title").value, body: at("add-body").value, status: at("add-status").value });
  if (answer.ok) at("delete-id").value = at("edit-id").value = at("explain-article").value = answer.data.id;
}

// showAdmin lists the accounts, with their roles, for those who may see them.
async function showAdmin() {
  const me = state.me, answer = me && me.roles.includes("admin") ? await call("GET", "/admin/users") : null;
  if (state.me !== me) return;
  at("admin").hidden = answer === null || !answer.ok;
  if (at("admin").hidden) return;
  const chosen = at("admin-user").value;
  at("admin-user").replaceChildren(...answer.data.map((user) => {
    const roles = user.roles.map((role) => role + (user.ends[role] ? " until " + new Date(user.ends[role]).toLocaleTimeString() : ""));
    const option = element("option", user.email + " (" + roles.join(", ") + ")" + (user.disabled ? ", disabled" : ""));
    option.value = user.id;
    return option;
  }));
  if (chosen) at("admin-user").value = chosen;
}

async function changeRole(method) {
  const role = at("grant-role").value, minutes = at("grant-minutes").value;
  const path = "/admin/users/" + encodeURIComponent(at("admin-user").value) + "/roles/" + encodeURIComponent(role);
  const answer = await call(method, path + (method === "PUT" && minutes ? "?minutes=" + encodeURIComponent(minutes) : ""));
  at("why").replaceChildren();
  await showAdmin();
  say(answer.ok ? "The role " + role + " was " + (method === "PUT" ? "given" + (minutes ? " for " + minutes + " minutes" : "") : "taken away") + "." : why(answer), answer.ok ? "good" : "bad");
}

// explain shows what roles and policies say about an account and an action.
async function explain() {
  const query = new URLSearchParams({ action: at("explain-action").value, article: at("explain-article").value });
  const answer = await call("GET", "/admin/users/" + encodeURIComponent(at("admin-user").value) + "/explain?" + query);
  if (!answer.ok) return at("why").replaceChildren(element("p", why(answer), "bad"));
  const e = answer.data, list = element("ul");
  for (const role of e.roles) list.append(element("li", role));
  for (const p of e.policies) {
    const item = element("li");
    item.append("policy ", element("code", p.policy), p.applies ? " applies" : ": " + p.why, element("div", p.description, "hint"));
    for (const saw of p.saw) item.append(element("div", saw, "hint"));
    list.append(item);
  }
  at("why").replaceChildren(element("span", (e.allowed ? "allowed: " : "denied: ") + e.reason, "pill " + (e.allowed ? "good" : "bad")), list);
}

