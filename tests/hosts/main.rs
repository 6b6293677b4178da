//! Host tests: the package on a real systemd, one test per behaviour.
//!
//! A machine that cannot run them reports every one as ignored and says why.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod agent;
mod attacks;
mod balancers;
mod between;
mod endpoints;
mod files;
mod fleet;
mod foreign_units;
mod fronts;
mod harness;
mod health_url;
mod history;
mod host;
mod kernel;
mod matrix;
mod metrics;
mod needrestart;
mod noise;
mod operator;
mod overrides;
mod package;
mod php_fpm;
mod php_fpm_files;
mod power;
mod readme;
mod recovery;
mod rpm;
mod shared_file;
mod shutdown;
mod story;
mod surroundings;
mod units;

use std::process::ExitCode;

use host::Debian;
use libtest_mimic::{Arguments, Failed, Trial};

/// A test: a function that panics when something is not as it should be.
type Test = (&'static str, fn());

/// Lists the named functions of a module as tests.
macro_rules! tests {
    ($($module:ident: $($name:ident),+ $(,)?);+ $(;)?) => {
        &[$($((concat!(stringify!($module), "::", stringify!($name)), $module::$name as fn())),+),+]
    };
}

#[rustfmt::skip]
/// On Debian 12 only: what takes long, or has little to do with the version of systemd.
const ONCE: &[Test] = tests! {
    agent:
        ten_thousand_questions_leave_the_socket_active,
        answers_while_the_host_goes_down_until_the_drain_is_over,
        haproxy_drains_the_node_takes_it_back_and_loses_nothing_by_a_removal;
    balancers:
        it_ends_once_haproxy_has_noticed_and_not_one_request_fails,
        every_way_to_ask_haproxy_finds_this_node,
        once_it_is_back_haproxy_is_waited_for_and_a_stop_in_that_time_drains,
        a_command_becomes_another_user_during_a_drain_as_it_does_for_check,
        tls_is_verified_by_a_file_or_by_the_systems_certificates,
        the_port_of_another_instance_is_not_this_ones,
        apache_tells_by_its_status_page_and_by_the_manuals_command,
        a_reload_in_mid_drain_begins_anew,
        with_one_balancer_dead_min_drain_applies,
        requests_in_the_servers_queue_arrive_before_the_end,
        a_request_that_is_tried_again_or_still_connecting_is_waited_for,
        clients_that_stick_to_the_node_are_waited_for_until_min_drain;
    between:
        a_crash_before_it_serves_keeps_the_node_out_until_a_start_succeeds,
        a_start_that_fails_keeps_the_node_out_until_one_succeeds,
        an_hhvm_that_its_unit_has_not_started_brings_nothing_back_and_pool_does,
        a_removal_of_the_package_brings_back_the_node_of_a_stopped_hhvm;
    overrides:
        a_timeout_beyond_that_of_the_unit_is_granted;
    history:
        a_restart_leaves_a_row_with_all_its_phases,
        the_timer_among_the_examples_fails_loudly;
    metrics:
        node_exporter_reads_them_and_promtool_finds_nothing_to_mend;
    attacks:
        a_crowd_of_light_processes_does_not_take_the_descriptors,
        a_younger_process_with_a_lower_number_is_not_taken_for_hhvm,
        a_stranger_on_the_admin_port_gets_no_password_and_is_not_believed;
    power:
        an_hhvm_in_a_network_of_its_own_is_still_entered,
        who_has_little_power_drains_all_the_same;
    noise:
        without_a_processor_to_spare_it_ends_in_time,
        a_journal_that_stands_still_holds_up_nothing,
        without_a_journal_a_stop_ends,
        a_systemd_that_stands_still_holds_up_no_drain,
        with_a_full_notify_socket_the_timeout_holds;
    matrix:
        upgrade,
        upgrade_in_mid_drain,
        downgrade,
        downgrade_in_mid_drain,
        reinstallation,
        reinstallation_in_mid_drain,
        removal,
        removal_in_mid_drain,
        purge,
        purge_in_mid_drain;
    foreign_units:
        mounts_that_hide_the_host_from_the_hooks_are_told_with_what_mends_them,
        below_a_root_that_binds_the_hosts_directories_the_hooks_find_out,
        an_installation_keeps_the_notify_access_that_a_start_needs,
        an_installation_from_outside_keeps_a_watchdog_fed,
        with_killmode_none_the_units_own_command_stops_hhvm_after_the_drain,
        a_stop_command_that_the_drop_in_resets_is_told,
        a_oneshot_that_delegates_its_cgroup_is_drained,
        a_front_end_that_is_stopped_before_the_drain_fails_check,
        a_front_end_that_follows_by_way_of_a_target_fails_check,
        a_longer_patience_of_the_unit_is_told,
        a_start_that_is_never_over_and_a_journal_that_hears_nothing_are_told;
    fleet:
        a_stop_waits_until_the_slot_of_another_node_is_free,
        what_ends_the_waiting_ends_it_at_once,
        an_engine_that_is_gone_delays_a_stop_by_ten_seconds_and_refuses_a_depool,
        three_hosts_restarted_at_once_are_out_one_after_another,
        restart_has_a_turn_or_touches_nothing;
    fronts:
        an_observation_finds_the_checks_of_a_real_haproxy,
        a_trial_tells_whether_nginx_lets_the_balancer_notice,
        a_trial_tells_whether_apache_lets_the_balancer_notice;
    shared_file:
        one_that_is_stopped_for_good_does_not_keep_the_node_out,
        the_file_is_away_until_the_last_of_them_has_drained_and_serves_again;
    readme:
        the_three_steps_lead_to_a_green_check;
    health_url:
        nginx_that_caches_is_waited_for,
        a_front_end_that_never_notices_is_told,
        check_fails_on_a_front_controller_and_on_a_wrong_url;
    kernel:
        a_port_that_stands_in_an_hdf_file_is_counted,
        a_socket_that_stands_in_an_hdf_file_is_counted,
        a_file_that_cannot_be_read_is_not_taken_for_its_defaults,
        an_hhvm_of_another_name_is_counted,
        an_admin_port_that_only_the_file_has_is_not_waited_for,
        an_admin_port_that_only_the_process_has_is_found,
        nobody_but_hhvm_is_believed,
        a_front_end_of_roots_is_asked_if_it_is_set,
        connections_into_a_private_network_are_counted,
        an_admin_port_in_a_private_network_is_asked_from_anywhere,
        connections_that_a_closed_listener_has_left_count;
    files:
        a_shared_folder_without_hard_links_goes_and_comes;
    php_fpm:
        every_pool_of_any_kind_is_drained,
        the_page_of_another_pool_is_not_one_of_its_requests,
        what_waits_for_a_process_is_load,
        a_new_process_takes_no_request_off,
        an_endpoint_for_one_pool_is_told_apart_and_a_list_is_added_up,
        reasons_are_about_php_fpm_and_told_once,
        what_runs_counts_and_not_what_the_files_say_by_now,
        a_network_of_its_own_hides_nothing,
        a_connection_that_a_web_server_keeps_is_no_request;
    php_fpm_files:
        mean_to_us_what_they_mean_to_php_fpm;
    needrestart:
        leaves_hhvm_alone_and_would_not_without_us;
    rpm:
        installs_drains_and_is_removed,
        keeps_an_edited_configuration,
        a_removal_in_mid_drain_brings_the_node_back;
    surroundings:
        in_a_chroot_without_systemd,
        without_hhvm,
        with_a_read_only_etc;
    harness:
        runs_commands,
        reads_the_journal,
        survives_a_power_cut,
        reboots;
};

#[rustfmt::skip]
/// On every release.
const EVERYWHERE: &[Test] = tests! {
    agent:
        answers_by_what_is_published_without_privileges,
        each_unit_has_a_port_of_its_own;
    balancers:
        the_releases_own_haproxy_confirms_by_socket_and_by_page;
    power:
        a_stop_has_what_it_uses_and_nothing_else,
        the_packages_own_units_are_exposed_little_and_work;
    overrides:
        a_daemon_reload_in_mid_drain_does_not_cut_it,
        drains_another_user_in_a_sandbox,
        an_override_takes_effect,
        check_notices_an_override_that_drops_the_drain,
        check_notices_an_override_that_drops_the_way_back,
        a_file_of_the_same_name_replaces_the_drop_in,
        a_broken_settings_file_still_drains;
    foreign_units:
        below_a_root_directory_check_fails_and_its_line_mends_it,
        a_hook_without_its_plus_is_told;
    package:
        installs_and_purges_without_touching_hhvm,
        a_removal_in_mid_drain_brings_the_node_back,
        hooks_of_a_removed_program_do_not_fail_hhvm,
        the_drop_in_verifies_without_a_word;
    story:
        drains_until_the_load_is_zero,
        believes_no_zero_before_min_drain,
        finishes_requests_that_come_before_the_balancer_has_noticed,
        carries_on_after_the_timeout,
        a_dead_hhvm_ends_the_drain,
        an_hhvm_that_has_ended_by_itself_is_not_waited_for,
        a_restart_drains_and_comes_back,
        a_shutdown_drains;
    endpoints:
        a_status_is_no_load,
        without_its_admin_port_the_connections_of_a_running_hhvm_are_counted,
        a_strange_body_is_no_load,
        a_slow_answer_is_no_load,
        a_queue_is_load,
        an_hhvm_without_check_queued_drains,
        drains_over_http,
        sends_the_password_and_never_shows_it;
    operator:
        stays_out_until_pool,
        what_was_moved_by_hand_is_left,
        depool_in_mid_drain_is_kept;
    units:
        a_sysv_hhvm_is_drained_then_stopped_with_all_its_processes,
        a_pid_file_that_lies_harms_nobody,
        killmode_process_and_mode_daemon_leave_nobody_behind,
        a_oneshot_with_killmode_process_leaves_nobody_behind,
        two_instances_drain_at_once_each_with_its_settings,
        without_an_admin_port_connections_are_counted;
    shutdown:
        drains_before_the_web_server_stops,
        needs_no_order_between_hhvm_and_the_web_server,
        does_nothing_unless_the_host_goes_down;
    recovery:
        sigkill_to_the_program,
        sigterm_to_the_program,
        a_power_cut_in_mid_drain,
        a_document_root_that_is_mounted_after_a_power_cut_is_waited_for,
        a_document_root_that_goes_away_in_mid_drain_is_waited_for,
        a_parked_file_that_a_deploy_deletes_comes_back,
        a_power_cut_leaves_an_operators_depool;
    files:
        none_is_warned_about_and_waited_for,
        both_names_present_loses_neither,
        a_deploy_in_mid_drain_wins,
        a_current_link_flips_in_mid_drain,
        a_read_only_directory_does_not_hold_up_the_stop,
        a_read_only_file_system_is_told_once,
        a_record_in_memory_goes_where_the_disk_is_read_only,
        check_knows_what_a_stop_cannot_move_and_the_stop_tells_it_once;
};

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // The tests wait more than they work.
    arguments.test_threads.get_or_insert(6);
    let why_not = if arguments.list { None } else { host::prepare().err() };
    let trials = Debian::ALL.into_iter().flat_map(|debian| trials(&arguments, debian, why_not.clone()));
    let trials = trials.collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// The tests on a release; ignored if nothing runs on this machine, or no such host can be made.
fn trials(arguments: &Arguments, debian: Debian, why_not: Option<String>) -> Vec<Trial> {
    let once = if debian == Debian::Twelve { ONCE } else { &[] };
    let tests = once.iter().chain(EVERYWHERE);
    let tests: Vec<_> =
        tests.map(|&(name, test)| (format!("debian{}::{name}", debian.number()), test)).collect();
    let is_wanted =
        |name: &String| arguments.filter.as_ref().is_none_or(|filter| name.contains(filter.as_str()));
    let is_needed = !arguments.list && tests.iter().any(|(name, _)| is_wanted(name));
    let why_not = why_not.or_else(|| is_needed.then(|| debian.root("").err()).flatten());
    if let Some(why_not) = &why_not {
        println!("host tests on Debian {} are ignored: {why_not}", debian.number());
    }
    let trial = |(name, test): (String, fn())| {
        let ignored = why_not.is_some();
        let why_not = why_not.clone();
        let run = move || {
            // With --ignored it is called all the same.
            why_not.map_or(Ok(()), |why_not| Err(Failed::from(why_not)))?;
            debian.make_current();
            test();
            Ok(())
        };
        Trial::test(name, run).with_ignored_flag(ignored)
    };
    tests.into_iter().map(trial).collect()
}
