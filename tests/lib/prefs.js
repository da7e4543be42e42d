// The settings of a test's Thunderbird: no first-run pages, no network of its own, unsigned add-ons.

// First run
user_pref("app.donation.eoy.version.viewed", 999);
user_pref("app.provider.show_setup_wizard", false);
user_pref("browser.aboutwelcome.enabled", false);
user_pref("mail.chat.enabled", true);
user_pref("mail.compose.big_attachments.notify", false);
user_pref("mail.inappnotifications.enabled", false);
user_pref("mail.inappnotifications.url", "");
user_pref("mail.provider.suppress_dialog_on_startup", true);
user_pref("mail.rights.version", 1);
user_pref("mail.shell.checkDefaultClient", false);
user_pref("mail.spotlight.firstRunDone", true);
user_pref("mail.startup.enabledMailCheckOnce", true);
user_pref("mail.tabs.drawInTitlebar", false);
user_pref("mail.winsearch.firstRunDone", true);
user_pref("mailnews.start_page.enabled", false);
user_pref("mailnews.start_page.override_url", "");
user_pref("mailnews.start_page_override.mstone", "ignore");
user_pref("messenger.startup.action", 0);
user_pref("termsofuse.bypassNotification", true);

// No network: nothing is fetched, and what would be goes to a closed port of this machine.
user_pref("app.normandy.enabled", false);
user_pref("app.update.auto", false);
user_pref("app.update.enabled", false);
user_pref("browser.safebrowsing.downloads.remote.enabled", false);
user_pref("datareporting.healthreport.uploadEnabled", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("datareporting.policy.dataSubmissionPolicyBypassNotification", true);
user_pref("datareporting.usage.uploadEnabled", false);
user_pref("extensions.blocklist.enabled", false);
user_pref("extensions.getAddons.cache.enabled", false);
user_pref("extensions.systemAddon.update.enabled", false);
user_pref("extensions.update.enabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("network.dns.disablePrefetch", true);
user_pref("network.proxy.type", 1);
user_pref("network.proxy.http", "127.0.0.1");
user_pref("network.proxy.http_port", 9);
user_pref("network.proxy.ssl", "127.0.0.1");
user_pref("network.proxy.ssl_port", 9);
user_pref("network.proxy.socks", "127.0.0.1");
user_pref("network.proxy.socks_port", 9);
user_pref("network.proxy.socks_remote_dns", true);
user_pref("network.trr.mode", 5);
user_pref("services.settings.server", "data:,#remote-settings-dummy/v1");
user_pref("toolkit.telemetry.enabled", false);
user_pref("toolkit.telemetry.server", "");

// Unsigned add-ons lying in the profile are taken without a question.
user_pref("extensions.autoDisableScopes", 0);
user_pref("extensions.enabledScopes", 15);
user_pref("extensions.installDistroAddons", false);
user_pref("xpinstall.signatures.required", false);

// Without a notification service on the screen, Thunderbird shows notifications itself.
user_pref("alerts.useSystemBackend", false);

// What goes wrong is in thunderbird.log.
user_pref("browser.dom.window.dump.enabled", true);
user_pref("devtools.console.stdout.chrome", true);
user_pref("devtools.console.stdout.content", true);
user_pref("javascript.options.showInConsole", true);
