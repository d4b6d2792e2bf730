// What an owner does with the account: second factors, proving who one is once more, a forgotten password.

// prove asks for what a route wants to be proved anew, and then does what was refused.
async function prove(again) {
  const answer = await call("GET", prefix + "/step-up");
  if (!answer.ok) return say(why(answer), "bad");
  state.again = again;
  at("prove-factor").replaceChildren(...answer.data.factors.map((name) => {
    const option = element("option", factorNames[name] || name);
    option.value = name;
    return option;
  }));
  at("prove-secret").value = "";
  at("prove").hidden = false;
  at("prove-secret").focus();
  say("Prove once more who you are: the login is too old for this, or was not strong enough.");
}

const factorNames = { password: "password", totp: "code of the app", recovery_code: "recovery code", email_code: "code by e-mail" };

async function proved() {
  const factor = at("prove-factor").value, secret = at("prove-secret").value;
  const answer = await call("POST", prefix + "/step-up", factor === "password" ? { factor, password: secret } : { factor, code: secret });
  at("prove-secret").value = "";
  if (!answer.ok) return say("Not proved: " + sentence(answer.data.detail), "bad");
  if (answer.data && answer.data.access_token) {
    state.access = answer.data.access_token;
    state.until = new Date(Date.now() + answer.data.expires_in * 1000);
  }
  at("prove").hidden = true;
  say("Proved by " + at("prove-factor").selectedOptions[0].textContent + ".", "good");
  const again = state.again;
  state.again = null;
  if (again) await again();
}

// guarded does what may want a newer or a stronger login.
async function guarded(what) {
  const answer = await what();
  if (answer && answer.data && answer.data.code === "insufficient_user_authentication") await prove(() => guarded(what));
  return answer;
}

// askFactor shows the form for the second factor of a login.
function askFactor(held, mode) {
  state.challenge = { challenge: held.challenge, mode };
  at("factor-name").replaceChildren(...held.factors.map((name) => {
    const option = element("option", factorNames[name] || name);
    option.value = name;
    return option;
  }));
  at("factor-code").value = at("factor-device").value = "";
  at("factor-trust").checked = false;
  at("factor-device-field").hidden = true;
  at("factor").hidden = false;
  at("factor-code").focus();
  say("Right so far. Now the second factor.");
}

async function answerFactor() {
  const { challenge, mode } = state.challenge;
  const body = { challenge, factor: at("factor-name").value, code: at("factor-code").value, trust_device: at("factor-trust").checked };
  if (body.trust_device && at("factor-device").value) body.device_name = at("factor-device").value;
  const answer = await call("POST", prefix + "/login/mfa", body, mode === "cookie" ? "cookie" : "nobody");
  at("factor-code").value = "";
  if (!answer.ok && answer.data.code === "code_invalid") return say("Not logged in: " + sentence(answer.data.detail), "bad");
  at("factor").hidden = true;
  await loggedIn(answer, mode);
}

async function forgot() {
  const email = at("login-email").value;
  if (!email) return say("Type the e-mail address first.", "bad");
  const answer = await call("POST", prefix + "/password/forgot", { email }, "nobody");
  say(answer.ok ? "If " + email + " has an account, a link to a new password was sent. " + sent : why(answer), answer.ok ? "good" : "bad");
}

// mailLink and mailCode ask for a login without the password.
async function mailLink() {
  const email = at("login-email").value;
  if (!email) return say("Type the e-mail address first.", "bad");
  const answer = await call("POST", prefix + "/login/link", { email }, "nobody");
  say(answer.ok ? "If " + email + " has an account, a link that logs in was sent. " + sent : why(answer), answer.ok ? "good" : "bad");
}

async function mailCode() {
  const email = at("login-email").value;
  if (!email) return say("Type the e-mail address first.", "bad");
  const answer = await call("POST", prefix + "/login/code", { email }, "nobody");
  at("mailed").hidden = !answer.ok;
  if (!answer.ok) return say(why(answer), "bad");
  state.mailed = answer.data.challenge;
  at("mailed-code").value = "";
  at("mailed-code").focus();
  say("If " + email + " has an account, a code that logs in was sent. " + sent, "good");
}

async function answerCode() {
  const answer = await logIn("/login/code/finish", { challenge: state.mailed, code: at("mailed-code").value });
  at("mailed-code").value = "";
  if (answer.ok) at("mailed").hidden = true;
}

async function showFactors() {
  const me = state.me, answer = me ? await call("GET", prefix + "/mfa") : null;
  if (state.me !== me) return; // somebody else by now, or nobody
  const shown = answer !== null && answer.ok && !state.me.actor;
  at("factors").hidden = !shown;
  at("factors-none").hidden = shown;
  at("enroll").hidden = true;
  at("factors-none").textContent = !state.me ? "Log in to set one up." : state.me.actor ? "Only its owner sets one up." : "Switched off: auth.mfa.enabled is false, or auth.secret_key is not set.";
  if (!shown) return;
  const { factors, recovery_codes_left: left } = answer.data;
  at("factor-list").replaceChildren(...factors.map(factorRow));
  at("factors-left").textContent = factors.length ? count({ length: left }, "recovery code") + " left." : "A password alone logs in. With a second factor, somebody who learns it does not.";
  at("recover").hidden = factors.length === 0;
  await showTrusted();
}

// showTrusted lists the devices from which the password alone logs in.
async function showTrusted() {
  const me = state.me, answer = await call("GET", prefix + "/mfa/trusted-devices");
  if (state.me !== me) return;
  const all = answer.ok ? answer.data.trusted_devices : [];
  at("trusted").hidden = all.length === 0;
  at("trusted-list").replaceChildren(...all.map(trustedRow));
}

function trustedRow(one) {
  const item = element("li"), button = element("button", "Revoke", "small"), name = one.name || "Device without a name";
  button.type = "button";
  button.setAttribute("aria-label", "Revoke the trust in " + name);
  button.addEventListener("click", () => busy(button, () => distrust("/" + encodeURIComponent(one.id), name + " needs a code again.")));
  const until = element("span", "until ");
  until.append(time(one.expires_at));
  item.append(element("span", name, "device"), until, button);
  return item;
}

async function distrust(which, done) {
  const answer = await call("DELETE", prefix + "/mfa/trusted-devices" + which);
  await showTrusted();
  say(answer.ok ? done : why(answer), answer.ok ? "good" : "bad");
}

function factorRow(one) {
  const item = element("li"), button = element("button", "Remove", "small");
  button.type = "button";
  button.setAttribute("aria-label", "Remove " + (one.name || one.factor));
  button.addEventListener("click", () => busy(button, () => changeFactors("DELETE", "/mfa/factors/" + encodeURIComponent(one.id), undefined, () => "The factor was removed.")));
  item.append(element("span", one.name || factorNames[one.factor] || one.factor, "device"), " since ", time(one.created_at), " ", button);
  return item;
}

// changeFactors sends one change, and shows recovery codes that it brought along.
async function changeFactors(method, path, body, done) {
  return guarded(async () => {
    const answer = await call(method, prefix + path, body);
    if (!answer.ok) {
      if (answer.data.code !== "insufficient_user_authentication") say(why(answer), "bad");
      return answer;
    }
    await showFactors();
    await showSessions();
    const codes = answer.data && answer.data.recovery_codes;
    at("codes").hidden = !codes;
    at("codes-text").textContent = codes ? codes.join("\n") : "";
    say(done(), "good");
    return answer;
  });
}

async function enroll() {
  return guarded(async () => {
    const answer = await call("POST", prefix + "/mfa/totp", { name: "app" });
    if (!answer.ok) {
      if (answer.data.code !== "insufficient_user_authentication") say(why(answer), "bad");
      return answer;
    }
    state.enrollment = answer.data.id;
    at("enroll-picture").src = "data:image/png;base64," + answer.data.qr_png;
    at("enroll-secret").textContent = answer.data.secret;
    at("enroll-code").value = "";
    at("enroll").hidden = false;
    say("Scan the picture with an authenticator app, and type the code that it shows.");
    return answer;
  });
}

const confirmEnrollment = () => changeFactors("POST", "/mfa/totp/confirm", { id: state.enrollment, code: at("enroll-code").value },
  () => "The app is a second factor now. Keep the recovery codes: they are shown once.");

// showOwner shows what only the owner of an account does, and who acts as whom.
function showOwner() {
  const acting = state.me !== null && Boolean(state.me.actor);
  at("change-card").hidden = at("own-card").hidden = !state.me || acting;
  at("acting").hidden = !acting;
  if (acting) at("acting-who").textContent = (state.own ? state.own.email : state.me.actor) + " acts as " + state.me.email;
}

async function changePassword() {
  const sends = { current_password: at("change-current").value, password: at("change-new").value };
  return guarded(async () => {
    const answer = await call("POST", prefix + "/password", sends);
    if (answer.ok) {
      at("change").reset();
      await become(state.as);
      say("The password is another one now. All other sessions have ended.", "good");
    } else if (answer.data.code !== "insufficient_user_authentication") say("Not changed: " + sentence(answer.data.detail), "bad");
    return answer;
  });
}

async function verifyAgain() {
  const answer = await call("POST", prefix + "/email/verify/resend", { email: state.me.email }, "nobody");
  say(answer.ok ? "If the address is not verified yet, a link was sent. " + sent : why(answer), answer.ok ? "good" : "bad");
}

async function moveAccount() {
  const email = at("move-email").value;
  return guarded(async () => {
    const answer = await call("POST", prefix + "/email", { email });
    if (answer.ok) {
      at("move").reset();
      say("A link that confirms the address was sent to " + email + ". " + sent, "good");
    } else if (answer.data.code !== "insufficient_user_authentication") say("Not changed: " + sentence(answer.data.detail), "bad");
    return answer;
  });
}

async function endAccount() {
  if (at("end-email").value !== state.me.email) return say("Not deleted: this is not the address of the account.", "bad");
  return guarded(async () => {
    const email = state.me.email, answer = await call("DELETE", prefix + "/me");
    if (answer.ok) {
      at("end").reset();
      await forget(state.as, "The account " + email + " is deleted.");
    } else if (answer.data.code !== "insufficient_user_authentication") say("Not deleted: " + sentence(answer.data.detail), "bad");
    return answer;
  });
}

// administer does something to the account that is chosen.
async function administer(button) {
  return guarded(async () => {
    const { method, path, done } = button.dataset;
    const answer = await call(method, prefix + "/users/" + encodeURIComponent(at("admin-user").value) + path);
    await showAdmin();
    if (answer.ok) say(done, "good");
    else if (answer.data.code !== "insufficient_user_authentication") say(why(answer), "bad");
    return answer;
  });
}

// act takes a token of somebody else's account, and puts the own credential aside.
async function act() {
  return guarded(async () => {
    const answer = await call("POST", prefix + "/users/" + encodeURIComponent(at("admin-user").value) + "/impersonate", { reason: at("act-reason").value, mode: "token" });
    if (answer.ok) {
      state.own = { access: state.access, refresh: state.refresh, until: state.until, as: state.as, email: state.me.email };
      state.access = answer.data.access_token;
      state.refresh = "";
      state.until = new Date(Date.now() + answer.data.expires_in * 1000);
      await become("token");
      say("You act as " + state.me.email + ". What only its owner may do is refused.");
    } else if (answer.data.code !== "insufficient_user_authentication") say(why(answer), "bad");
    return answer;
  });
}

// actNoMore takes up the own credential again.
async function actNoMore() {
  const { as, ...own } = state.own;
  Object.assign(state, { access: own.access, refresh: own.refresh, until: own.until, own: null });
  await become(as);
}

// showTrail lists what the audit log has, the newest first, for those who may read it.
async function showTrail() {
  const answer = await call("GET", prefix + "/audit?limit=200" + (state.trail ? "&after=" + state.trail : ""));
  if (!answer.ok) return say(why(answer), "bad");
  const names = new Map([...at("admin-user").options].map((o) => [o.value, o.textContent.split(" ")[0]]));
  at("trail").tBodies[0].prepend(...answer.data.entries.reverse().map((one) => {
    const row = element("tr");
    const about = [names.get(one.subject) || one.subject || "", one.actor ? "by " + (names.get(one.actor) || one.actor) : "", one.reason || "",
      ...Object.entries(one.detail || {}).filter(([name]) => !name.endsWith("_id")).map(([name, value]) => name + " " + value)].filter(Boolean).join(", ");
    row.append(cell("No.", String(one.seq)), cell("When", time(one.time)), cell("What", element("code", one.type)), cell("About", about));
    state.trail = Math.max(state.trail || 0, one.seq);
    return row;
  }));
  at("trail-box").hidden = false;
  if (answer.data.next) await showTrail();
}
