function onSubmit(form, button, what) {
  at(form).addEventListener("submit", (event) => { event.preventDefault(); busy(at(button), what); });
}
function onClick(button, what) { button.addEventListener("click", () => busy(button, what)); }
const tryButton = (row) => at(row).querySelector("button");

onSubmit("login", "login-button", login);
onSubmit("choice", "choice-button", choose);
onSubmit("register", "register-button", register);
onSubmit("factor", "factor-button", answerFactor);
at("factor-trust").addEventListener("change", () => { at("factor-device-field").hidden = !at("factor-trust").checked; });
onClick(at("forgot"), forgot);
onClick(at("mail-link"), mailLink);
onClick(at("mail-code"), mailCode);
onSubmit("mailed", "mailed-button", answerCode);
onClick(at("trusted-none"), () => distrust("", "No device is trusted any more: each needs a code again."));
onSubmit("prove-form", "prove-button", proved);
onClick(at("enroll-begin"), enroll);
onSubmit("enroll", "enroll-button", confirmEnrollment);
onClick(at("recover"), () => changeFactors("POST", "/mfa/recovery-codes", {}, () => "New recovery codes; those before are dead."));
onSubmit("change", "change-button", changePassword);
onClick(at("verify-again"), verifyAgain);
onSubmit("move", "move-button", moveAccount);
onSubmit("end", "end-button", endAccount);
for (const button of document.querySelectorAll("#admin-acts button")) onClick(button, () => administer(button));
onSubmit("act", "act-button", act);
onClick(at("acting-stop"), () => logout(false));
onClick(at("trail-show"), showTrail);
onClick(at("refresh"), refresh);
onClick(at("logout"), () => logout(false));
onClick(at("logout-everywhere"), () => logout(true));
onClick(tryButton("try-list"), () => tryRoute(at("try-list"), (all) => count(all, "article"), "GET", "/articles"));
onClick(tryButton("try-add"), added);
onClick(tryButton("try-edit"), () => tryRoute(at("try-edit"), (one) => "it reads " + one.title + " now", "PATCH", "/articles/" + encodeURIComponent(at("edit-id").value), { title: at("edit-title").value }));
onSubmit("grant", "grant-button", () => changeRole("PUT"));
at("admin-user").addEventListener("change", () => at("why").replaceChildren());
onClick(at("grant-take"), () => changeRole("DELETE"));
onSubmit("explain", "explain-button", explain);
onClick(tryButton("try-delete"), () => guarded(() => tryRoute(at("try-delete"), () => "the article is gone", "DELETE", "/articles/" + encodeURIComponent(at("delete-id").value))));
onClick(tryButton("try-users"), () => tryRoute(at("try-users"), (all) => count(all, "account"), "GET", "/admin/users"));
onClick(at("sessions-reload"), showSessions);
onClick(at("sessions-others"), async () => {
  const answer = await call("DELETE", prefix + "/sessions");
  if (state.as !== "cookie" && state.cookie) state.cookie = (await call("GET", prefix + "/me", undefined, "cookie")).ok;
  await become(state.as);
  say(answer.ok ? "All other sessions were revoked." : why(answer), answer.ok ? "good" : "bad");
});
for (const choice of document.querySelectorAll("#as input")) choice.addEventListener("change", () => become(choice.value));

become(state.cookie ? "cookie" : "nobody").then(() => {
  if (state.me) say("Logged in as " + state.me.email + " by the cookie of an earlier visit.", "good");
});
