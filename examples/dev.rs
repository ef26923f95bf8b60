use std::sync::Arc;
use ringress::config::*; use ringress::model::*; use ringress::worker::*; use ringress::*;
fn main(){
  let args: Vec<String> = std::env::args().collect();
  let choice = if args[1]=="epoll" {DriverChoice::Epoll} else {DriverChoice::Auto};
  let ep = EntryPoint{name:"http".into(), address: args[2].parse().unwrap(), trust: Trust{insecure:true,networks:vec![]}, idle_timeout: limits::CLIENT_IDLE, read_timeout: limits::CLIENT_IDLE};
  let mut m = Model::default();
  m.routers.insert("r".into(), Router{name:"r".into(),provider:"d".into(),dialect:Dialect::V1,rule_text:"".into(),rule:Some(Rule::PathPrefix("/".into())),priority:1,entry_points:vec!["http".into()],service:"s".into(),disabled:None});
  let sticky = (args.iter().any(|a|a=="sticky")).then(|| Sticky{cookie_name:"_x".into(),form:CookieForm::Url,secure:false,http_only:false,same_site:None,max_age:0,path:"/".into(),domain:"".into()});
  m.services.insert("s".into(), Service{name:"s".into(),provider:"d".into(),dialect:Dialect::V1,servers:args[3].split(',').map(|a| Server{url:ServerUrl{scheme:Scheme::Http,addr:a.parse().unwrap()},weight:1,state:ServerState::Serving,label:"x".into()}).collect(),sticky,pass_host_header:true});
  let workers = 1;
  let store = Arc::new(table::Store::new(workers, vec!["http".into()]));
  store.publish(m);
  let st = ladder::probe(choice).unwrap(); eprintln!("{st:?}");
  let stats = Arc::new(observe::Stats::new(workers));
  let _w = spawn(Plan{settings:Arc::new(Settings{entry_points:vec![ep],forwarding:Forwarding{dial_timeout:limits::DIAL_TIMEOUT,response_header_timeout:std::time::Duration::ZERO,idle_timeout:limits::BACKEND_IDLE,max_idle_per_host:200},dialect:Dialect::V1,hostname:"lb".into()}),store,stats:stats.clone(),life:Default::default(),rung:st.rung,cpus:vec![None;workers]}).unwrap();
  loop { std::thread::sleep(std::time::Duration::from_secs(3600)); }
}
